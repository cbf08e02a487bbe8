-- when a message was taken back while it was being sent: should that fail, it is not tried again.
ALTER TABLE "deliveries" ADD COLUMN "withdrawn_at" TIMESTAMPTZ(3);
