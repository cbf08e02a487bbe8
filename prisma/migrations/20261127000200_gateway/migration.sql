-- deliveries: lanes, turns by person, order within a chat, pages
ALTER TABLE "deliveries"
  ADD COLUMN "lane" TEXT NOT NULL DEFAULT 'interactive',
  ADD COLUMN "caused_by" TEXT,
  ADD COLUMN "page" INTEGER NOT NULL DEFAULT 1,
  ADD COLUMN "turned_at" TIMESTAMPTZ(3),
  ADD COLUMN "first_failed_at" TIMESTAMPTZ(3),
  ADD COLUMN "seq" BIGSERIAL NOT NULL;
CREATE INDEX "deliveries_chat_idx" ON "deliveries" ("platform", "address", "lane" DESC, "seq") WHERE "status" IN ('scheduled', 'sending');
CREATE INDEX "deliveries_held_idx" ON "deliveries" ("platform", "address") WHERE "status" = 'sending' OR ("status" = 'scheduled' AND "error" IS NOT NULL);

-- moved_addresses: chats that have another address now; no "moved_to" is itself an "address"
CREATE TABLE "moved_addresses" (
  "platform" TEXT NOT NULL, "address" TEXT NOT NULL, "moved_to" TEXT NOT NULL, "moved_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "moved_addresses_pkey" PRIMARY KEY ("platform", "address"));
