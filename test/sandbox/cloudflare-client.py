"""Debian's python3-cloudflare, which nobody here wrote, works on IP access rules and prints what it got as JSON.

Usage: cloudflare-client.py BASE_URL TOKEN zone|account ID
"""

import json
import sys

import CloudFlare

base_url, token, kind, scope = sys.argv[1:]
cloudflare = CloudFlare.CloudFlare(token=token, base_url=base_url)
paged = CloudFlare.CloudFlare(token=token, base_url=base_url, raw=True)


def rules_of(client):
    return (client.zones if kind == "zone" else client.accounts).firewall.access_rules.rules


def refusal(call, *arguments, **named):
    try:
        call(*arguments, **named)
    except CloudFlare.exceptions.CloudFlareAPIError as error:
        return int(error)
    return None


def rule(target, value, mode="block", notes="python"):
    return {"mode": mode, "configuration": {"target": target, "value": value}, "notes": notes}


def listed(**params):
    params = {name.replace("__", "."): value for name, value in params.items()}
    return sorted(found["configuration"]["value"] for found in rules.get(scope, params=params))


rules = rules_of(cloudflare)
made = [
    rules.post(scope, data=rule("ip", "203.0.113.7")),
    rules.post(scope, data=rule("ip6", "2001:db8::7", notes="Attack 26/02")),
    rules.post(scope, data=rule("ip_range", "198.51.100.0/24", mode="whitelist")),
    rules.post(scope, data=rule("country", "kr", mode="challenge")),
]
first = made[0]["id"]
pages = [rules_of(paged).get(scope, params={"page": page, "per_page": 1}) for page in range(1, 6)]
outcome = {
    "values": [each["configuration"]["value"] for each in made],
    "all": len(listed()),
    "dotted": listed(configuration__target="ip", configuration__value="203.0.113.7"),
    "underscored": listed(configuration_target="ip", configuration_value="203.0.113.7"),
    "ipv6": listed(configuration__value="2001:0db8:0000:0000:0000:0000:0000:0007"),
    "mode": listed(mode="whitelist"),
    "notes": listed(notes="attack"),
    "any": len(listed(mode="whitelist", notes="attack", match="any")),
    "pages": [len(page["result"]) for page in pages],
    "info": pages[0]["result_info"],
    "duplicate": refusal(rules.post, scope, data=rule("ip", "203.0.113.7", mode="whitelist")),
    "same_ipv6": refusal(rules.post, scope, data=rule("ip6", "2001:DB8:0:0::7")),
    "not_valid": refusal(rules.post, scope, data=rule("ip_range", "203.0.113.0/25")),
    "bad_page": refusal(rules.get, scope, params={"per_page": 1005}),
    "edited": rules.patch(scope, first, data={"mode": "challenge"})["mode"],
    "read": rules.get(scope, first)["notes"],
    "deleted": rules.delete(scope, first)["id"] == first,
    "gone": [refusal(rules.get, scope, first), refusal(rules.delete, scope, first)],
    "elsewhere": refusal(rules.get, "f" * 32),
    "stranger": refusal(rules_of(CloudFlare.CloudFlare(token="wrong", base_url=base_url)).get, scope),
}
for each in made[1:]:
    rules.delete(scope, each["id"])
print(json.dumps({**outcome, "left": len(listed())}))
