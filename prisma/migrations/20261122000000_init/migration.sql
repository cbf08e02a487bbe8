-- people, identities, grants, keys: the records people edit
CREATE TABLE "people" (
  "person_id" TEXT NOT NULL, "name" TEXT NOT NULL, "locale" TEXT, "zone" TEXT,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "people_pkey" PRIMARY KEY ("person_id"));
CREATE TABLE "identities" (
  "identity" TEXT NOT NULL, "person_id" TEXT NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "identities_pkey" PRIMARY KEY ("identity"));
CREATE TABLE "grants" (
  "grant_id" BIGSERIAL NOT NULL, "person_id" TEXT NOT NULL, "role" TEXT NOT NULL, "source" TEXT NOT NULL, "granted_by" TEXT NOT NULL,
  "granted_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "revoked_by" TEXT, "revoked_at" TIMESTAMPTZ(3),
  CONSTRAINT "grants_pkey" PRIMARY KEY ("grant_id"));
CREATE TABLE "keys" (
  "key_id" TEXT NOT NULL, "name" TEXT NOT NULL, "role" TEXT NOT NULL, "hash" TEXT NOT NULL, "person_id" TEXT NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "revoked_at" TIMESTAMPTZ(3),
  CONSTRAINT "keys_pkey" PRIMARY KEY ("key_id"));
CREATE INDEX "identities_person_id_idx" ON "identities" ("person_id");
CREATE INDEX "grants_person_id_idx" ON "grants" ("person_id");
CREATE UNIQUE INDEX "keys_name_key" ON "keys" ("name");
CREATE UNIQUE INDEX "keys_hash_key" ON "keys" ("hash");
CREATE INDEX "keys_person_id_idx" ON "keys" ("person_id");
ALTER TABLE "identities" ADD CONSTRAINT "identities_person_id_fkey" FOREIGN KEY ("person_id") REFERENCES "people" ("person_id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "grants" ADD CONSTRAINT "grants_person_id_fkey" FOREIGN KEY ("person_id") REFERENCES "people" ("person_id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "keys" ADD CONSTRAINT "keys_person_id_fkey" FOREIGN KEY ("person_id") REFERENCES "people" ("person_id") ON DELETE CASCADE ON UPDATE CASCADE;

-- inbox: what came in
CREATE TABLE "inbox" (
  "request_id" TEXT NOT NULL, "platform" TEXT NOT NULL, "payload" JSON NOT NULL,
  "received_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "done_at" TIMESTAMPTZ(3),
  "claimed_by" INTEGER, "attempts" INTEGER NOT NULL DEFAULT 0, "due_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "error" TEXT,
  CONSTRAINT "inbox_pkey" PRIMARY KEY ("request_id"));
CREATE INDEX "inbox_open_idx" ON "inbox" ("due_at") WHERE "done_at" IS NULL;
CREATE INDEX "inbox_done_idx" ON "inbox" ("done_at");

-- runs: what we do
CREATE TABLE "runs" (
  "run_id" TEXT NOT NULL, "request_id" TEXT NOT NULL, "command" TEXT NOT NULL, "input" JSONB NOT NULL,
  "person_id" TEXT NOT NULL, "identity" TEXT NOT NULL, "locale" TEXT NOT NULL, "zone" TEXT NOT NULL,
  "status" TEXT NOT NULL DEFAULT 'accepted', "attempts" INTEGER NOT NULL DEFAULT 0, "takeovers" INTEGER NOT NULL DEFAULT 0, "generation" INTEGER NOT NULL DEFAULT 0,
  "due_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "sweep_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "claimed_by" INTEGER, "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "started_at" TIMESTAMPTZ(3), "finished_at" TIMESTAMPTZ(3), "output" JSONB, "error" JSONB,
  CONSTRAINT "runs_pkey" PRIMARY KEY ("run_id"));
CREATE UNIQUE INDEX "runs_request_id_key" ON "runs" ("request_id");
CREATE INDEX "runs_open_idx" ON "runs" ("sweep_at") WHERE "finished_at" IS NULL;
CREATE INDEX "runs_person_idx" ON "runs" ("person_id", "created_at" DESC);
CREATE INDEX "runs_created_idx" ON "runs" ("created_at" DESC, "run_id");

-- deliveries: what goes out
CREATE TABLE "deliveries" (
  "delivery_id" TEXT NOT NULL, "request_id" TEXT NOT NULL, "run_id" TEXT, "platform" TEXT NOT NULL, "address" TEXT NOT NULL,
  "reply" JSON NOT NULL, "locale" TEXT NOT NULL, "zone" TEXT NOT NULL, "status" TEXT NOT NULL DEFAULT 'scheduled',
  "message_id" TEXT, "version" INTEGER NOT NULL DEFAULT 1, "sent_version" INTEGER NOT NULL DEFAULT 0,
  "attempts" INTEGER NOT NULL DEFAULT 0, "generation" INTEGER NOT NULL DEFAULT 0,
  "due_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "sweep_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "claimed_by" INTEGER, "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "sent_at" TIMESTAMPTZ(3), "error" JSONB,
  CONSTRAINT "deliveries_pkey" PRIMARY KEY ("delivery_id"));
CREATE INDEX "deliveries_open_idx" ON "deliveries" ("sweep_at") WHERE "status" IN ('scheduled', 'sending');
CREATE INDEX "deliveries_run_idx" ON "deliveries" ("run_id");
CREATE INDEX "deliveries_created_idx" ON "deliveries" ("created_at");

-- audit: who asked for what, and what was decided
CREATE TABLE "audit" (
  "seq" BIGINT NOT NULL, "at" TIMESTAMPTZ(3) NOT NULL, "person_id" TEXT, "identity" TEXT NOT NULL, "action" TEXT NOT NULL,
  "command" TEXT, "input" JSONB, "outcome" TEXT NOT NULL, "request_id" TEXT NOT NULL, "run_id" TEXT,
  "previous_hash" TEXT NOT NULL, "hash" TEXT NOT NULL,
  CONSTRAINT "audit_pkey" PRIMARY KEY ("seq"));
CREATE INDEX "audit_at_idx" ON "audit" ("at");

-- conversations: the port Ephemeral, where there is no Redis
CREATE TABLE "conversations" (
  "key" TEXT NOT NULL, "value" JSONB NOT NULL, "expires_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "conversations_pkey" PRIMARY KEY ("key"));
CREATE INDEX "conversations_expires_at_idx" ON "conversations" ("expires_at");

-- the number of each process's database session; a claim is alive while that session holds its advisory lock
CREATE SEQUENCE "sessions" AS INTEGER MINVALUE 1 CYCLE;
