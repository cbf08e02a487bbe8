-- the last line of the audit, kept apart from the lines: they cannot be cut off without changing this row as well.
-- Whoever appends locks it first, so that lines are written one batch after another.
CREATE TABLE "audit_head" (
  "id" INTEGER NOT NULL DEFAULT 1, "seq" BIGINT NOT NULL, "hash" TEXT NOT NULL,
  CONSTRAINT "audit_head_pkey" PRIMARY KEY ("id"), CONSTRAINT "audit_head_one" CHECK ("id" = 1));
INSERT INTO "audit_head" ("seq", "hash")
  SELECT coalesce(max(seq), 0), coalesce((SELECT hash FROM "audit" ORDER BY seq DESC LIMIT 1), '') FROM "audit";
CREATE INDEX "audit_identity_idx" ON "audit" ("identity", "seq" DESC);
CREATE INDEX "audit_command_idx" ON "audit" ("command", "seq" DESC);
