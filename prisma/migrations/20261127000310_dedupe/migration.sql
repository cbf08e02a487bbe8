-- no two open runs have the same dedupe_key: the same request joins the open one
ALTER TABLE "runs" ADD COLUMN "dedupe_key" TEXT;
CREATE UNIQUE INDEX "runs_dedupe_idx" ON "runs" ("dedupe_key") WHERE "finished_at" IS NULL;
