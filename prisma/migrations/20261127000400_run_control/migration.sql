-- who asked that a run be stopped, and when; a run that waits ends in the same statement, one at work is told
ALTER TABLE "runs" ADD COLUMN "cancel_requested_at" TIMESTAMPTZ(3), ADD COLUMN "cancelled_by" TEXT;
