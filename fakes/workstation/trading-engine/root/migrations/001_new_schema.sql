-- Where orders are sent and why they were refused (003:447). It adds, changes nothing that is there, and may run again.
BEGIN;

CREATE TABLE IF NOT EXISTS order_routes (
    client_order_id text PRIMARY KEY,
    venue           text NOT NULL,
    routed_at       timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS order_rejections (
    entry           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    client_order_id text NOT NULL,
    reason          text NOT NULL,
    rejected_at     timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX IF NOT EXISTS order_rejections_by_time ON order_rejections (rejected_at);

COMMIT;
