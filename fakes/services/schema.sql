-- The database of the EAFIX stand-in. Times that end in _s are documented seconds from the start of the drill.
-- Runs as the owner, user eafix, in one transaction; running it again changes nothing.

BEGIN;

CREATE TABLE IF NOT EXISTS orders (
    client_order_id text PRIMARY KEY,             -- the idempotency key, chosen by the client
    symbol          text NOT NULL,
    side            text NOT NULL CHECK (side IN ('buy', 'sell')),
    quantity        bigint NOT NULL CHECK (quantity > 0),
    source          text NOT NULL,                -- client, signal
    price_at_s      double precision NOT NULL,    -- when the price was quoted that the risk check accepted
    placed_at_s     double precision NOT NULL
);

CREATE TABLE IF NOT EXISTS executions (
    execution_id    text PRIMARY KEY,
    client_order_id text NOT NULL UNIQUE REFERENCES orders ON DELETE CASCADE,
    fill_id         text NOT NULL UNIQUE,         -- the broker's
    symbol          text NOT NULL,
    side            text NOT NULL,
    quantity        bigint NOT NULL,
    price           double precision NOT NULL,
    executed_at_s   double precision NOT NULL,    -- when the broker filled it
    booked_at_s     double precision NOT NULL     -- when it was written here
);

CREATE INDEX IF NOT EXISTS executions_by_time ON executions (executed_at_s);

CREATE TABLE IF NOT EXISTS positions (
    symbol       text PRIMARY KEY,
    quantity     bigint NOT NULL,                 -- the signed sum of the executions
    updated_at_s double precision NOT NULL
);

-- One row. Whoever executes an order holds it FOR SHARE until the commit; whoever halts trading locks the table against
-- that, so no execution commits after the halt is acknowledged.
CREATE TABLE IF NOT EXISTS trading_halt (
    single       boolean PRIMARY KEY DEFAULT true CHECK (single),
    halted       boolean NOT NULL,
    reason       text NOT NULL,
    changed_at_s double precision NOT NULL
);

CREATE TABLE IF NOT EXISTS trading_halt_log (     -- every change of it
    entry  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at_s   double precision NOT NULL,
    halted boolean NOT NULL,
    reason text NOT NULL
);

CREATE TABLE IF NOT EXISTS risk_settings (
    name  text PRIMARY KEY,
    value double precision NOT NULL
);

CREATE TABLE IF NOT EXISTS outbox (               -- executions that the bus has not got yet
    entry        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    execution_id text NOT NULL REFERENCES executions ON DELETE CASCADE
);

INSERT INTO trading_halt VALUES (true, false, 'never halted', 0) ON CONFLICT DO NOTHING;
INSERT INTO risk_settings VALUES ('max_order_quantity', 1000000), ('max_position', 10000000) ON CONFLICT DO NOTHING;

COMMIT;
