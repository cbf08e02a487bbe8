-- answers by Idempotency-Key: the row is there before the request is dispatched
CREATE TABLE "idempotency" (
  "owner" TEXT NOT NULL, "route" TEXT NOT NULL, "key" TEXT NOT NULL, "body_hash" TEXT NOT NULL, "request_id" TEXT NOT NULL,
  "status" INTEGER, "content_type" TEXT, "body" TEXT, "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "idempotency_pkey" PRIMARY KEY ("owner", "route", "key"));
CREATE UNIQUE INDEX "idempotency_request_id_key" ON "idempotency" ("request_id");
CREATE INDEX "idempotency_created_idx" ON "idempotency" ("created_at");
