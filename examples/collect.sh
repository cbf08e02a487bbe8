#!/bin/sh
# The event collector by curl: one event, a list, a receipt, a search.
#   sh examples/collect.sh
# COLLECT_URL says where Switchboard is; COLLECT_KEY is a key that may send and search, of role operator (the sandbox needs none).
set -eu
url=${COLLECT_URL:-http://127.0.0.1:8080}
user="user-$$"

ask() { curl -sS --fail-with-body ${COLLECT_KEY:+-H "authorization: Bearer $COLLECT_KEY"} -H 'content-type: application/json' "$@"; echo; }

echo "One event:"
ask "$url/api/collect" -d '{"event_id": "'"$user"'-1", "event": "log_in", "user_id": "'"$user"'"}'

echo "A list, in which one is wrong:"
ask "$url/api/collect" -d '[
  {"event_id": "'"$user"'-2", "event": "purchase", "user_id": "'"$user"'", "parameters": {"order_id": "A-1", "currency": "krw", "price": 1200}},
  {"event_id": "'"$user"'-3", "user_id": "'"$user"'"}
]'

echo "What became of the first (queued, stored or failed):"
ask "$url/api/v1/events/$user-1"

echo "All of this user, newest first:"
ask "$url/api/search" -d '{"user_id": "'"$user"'"}'
