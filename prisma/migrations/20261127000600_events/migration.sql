-- events: what clients reported; a repeated event_id is stored once, an order may have many
CREATE TABLE "events" (
  "event_id" TEXT NOT NULL, "event" TEXT NOT NULL, "user_id" TEXT NOT NULL, "event_datetime" TIMESTAMPTZ(6) NOT NULL,
  "order_id" TEXT, "currency" TEXT, "price" NUMERIC(18,4), "stored_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "events_pkey" PRIMARY KEY ("event_id"));
CREATE INDEX "events_user_idx" ON "events" ("user_id", "event_datetime" DESC, "event_id");
-- nearly in the order in which rows are written, so that a few bytes a range of pages find the newest and the oldest
CREATE INDEX "events_time_idx" ON "events" USING brin ("event_datetime") WITH (pages_per_range = 32, autosummarize = on);

-- failed_events: those that could not be written, and why
CREATE TABLE "failed_events" (
  "event_id" TEXT NOT NULL, "user_id" TEXT NOT NULL, "payload" JSON NOT NULL, "reason" TEXT NOT NULL,
  "attempts" INTEGER NOT NULL DEFAULT 1, "failed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "failed_events_pkey" PRIMARY KEY ("event_id"));
CREATE INDEX "failed_events_at_idx" ON "failed_events" ("failed_at" DESC, "event_id");
CREATE INDEX "failed_events_user_idx" ON "failed_events" ("user_id");
