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

CREATE TABLE IF NOT EXISTS maintenance (          -- one row; while it is active the gateway takes no orders
    single  boolean PRIMARY KEY DEFAULT true CHECK (single),
    active  boolean NOT NULL,
    kind    text NOT NULL,                        -- scheduled, security, or empty
    message text NOT NULL,                        -- what clients are told
    since_s double precision NOT NULL
);

CREATE TABLE IF NOT EXISTS maintenance_log (      -- every change of it
    entry   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at_s    double precision NOT NULL,
    active  boolean NOT NULL,
    kind    text NOT NULL,
    message text NOT NULL
);

CREATE TABLE IF NOT EXISTS monitoring_mode (      -- one row; with security the gateway logs every request
    single   boolean PRIMARY KEY DEFAULT true CHECK (single),
    security boolean NOT NULL,
    since_s  double precision NOT NULL
);

CREATE TABLE IF NOT EXISTS change_requests (
    number       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind         text NOT NULL,                   -- config-change
    title        text NOT NULL,
    source       text NOT NULL,                   -- branch and commit of the checkout it was made from, or empty
    status       text NOT NULL,                   -- open, closed
    created_at_s double precision NOT NULL
);

INSERT INTO maintenance VALUES (true, false, '', '', 0) ON CONFLICT DO NOTHING;
INSERT INTO monitoring_mode VALUES (true, false, 0) ON CONFLICT DO NOTHING;
INSERT INTO trading_halt VALUES (true, false, 'never halted', 0) ON CONFLICT DO NOTHING;
INSERT INTO risk_settings VALUES ('max_order_quantity', 1000000), ('max_position', 10000000) ON CONFLICT DO NOTHING;

-- --- Accounts, the audit trail, incidents ---
-- Who may come in, what each did, and what operators wrote down. Passwords and tokens are hashed (fakes/services/passwords.py).

CREATE TABLE IF NOT EXISTS users (
    user_id          text PRIMARY KEY,
    role             text NOT NULL CHECK (role IN ('trader', 'operator', 'service')),
    password_hash    text NOT NULL,               -- '!' has no password that matches
    must_change      boolean NOT NULL DEFAULT false,
    locked_at_s      double precision,
    compromised_at_s double precision,            -- when somebody found that it is in other hands; NULL again after its reset
    created_at_s     double precision NOT NULL
);

CREATE TABLE IF NOT EXISTS api_tokens (
    token_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name           text NOT NULL,
    user_id        text NOT NULL REFERENCES users,
    token_hash     text NOT NULL UNIQUE,
    issued_at_s    double precision NOT NULL,
    last_used_at_s double precision,
    uses           bigint NOT NULL DEFAULT 0,
    revoked_at_s   double precision
);

CREATE TABLE IF NOT EXISTS audit_log (
    entry      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at_s       double precision NOT NULL,
    event_type text NOT NULL,                     -- login_failed, order_placed, operator_action ...
    actor      text NOT NULL,                     -- a user as it called itself, or an operator
    address    text NOT NULL,                     -- where it came from
    action     text NOT NULL,
    target     text NOT NULL,
    outcome    text NOT NULL,                     -- ok, refused, failed
    detail     text NOT NULL DEFAULT ''
);

CREATE INDEX IF NOT EXISTS audit_log_by_time ON audit_log (at_s);

CREATE TABLE IF NOT EXISTS incidents (
    number      bigint PRIMARY KEY,               -- shown as INC-1
    title       text NOT NULL,
    severity    text NOT NULL CHECK (severity IN ('critical', 'high', 'medium', 'low')),
    kind        text NOT NULL,
    description text NOT NULL,
    opened_by   text NOT NULL,
    opened_at_s double precision NOT NULL,
    found       text NOT NULL                     -- how the platform was when it was opened
);

CREATE TABLE IF NOT EXISTS postmortems (
    number       bigint PRIMARY KEY REFERENCES incidents,  -- its incident's
    created_by   text NOT NULL,
    created_at_s double precision NOT NULL
);

CREATE TABLE IF NOT EXISTS trainings (
    number         bigint PRIMARY KEY,            -- shown as TRN-1
    kind           text NOT NULL,
    mandatory      boolean NOT NULL,
    scheduled_by   text NOT NULL,
    scheduled_at_s double precision NOT NULL,
    due_at_s       double precision NOT NULL
);

CREATE TABLE IF NOT EXISTS training_places (      -- who is to take part
    number  bigint NOT NULL REFERENCES trainings,
    user_id text NOT NULL REFERENCES users,
    PRIMARY KEY (number, user_id)
);

-- A user's first password is its name and '-password'; the token's is svc-reporting-nightly-export-token.
INSERT INTO users (user_id, role, password_hash, created_at_s) VALUES
    ('trader-1', 'trader', 'scrypt$256$8$1$7472616465722d315f5f5f5f5f5f5f5f$48482b5488e39b1eec4225371d3afcf3cc54b5c8938031e882e1547695b9bf82', 0),
    ('trader-2', 'trader', 'scrypt$256$8$1$7472616465722d325f5f5f5f5f5f5f5f$49c55bed1391028a78f21410d64b1aa5faeb62f969e5dc6cebe89554495fc5a9', 0),
    ('ops-1', 'operator', 'scrypt$256$8$1$6f70732d315f5f5f5f5f5f5f5f5f5f5f$cbdb820faa3709f44c4e83d07f2d59c4d7f107945c3dd51030d383e0b8d52b3c', 0),
    ('svc-reporting', 'service', '!', 0)
ON CONFLICT DO NOTHING;
INSERT INTO api_tokens (name, user_id, token_hash, issued_at_s)
VALUES ('nightly-export', 'svc-reporting', '5b9de721b6239c90b62a40b46424dfc70df4c3bf93c2b52149823e0ad98a4516', 0) ON CONFLICT DO NOTHING;
INSERT INTO audit_log (at_s, event_type, actor, address, action, target, outcome, detail)
SELECT 0, event_type, 'installation', 'local', action, target, 'ok', detail FROM (
    SELECT 1, 'user_created', 'create user', user_id, 'role ' || role FROM users
    UNION ALL SELECT 2, 'token_issued', 'issue token', token_id::text, name FROM api_tokens
    ORDER BY 1, 4) AS given (place, event_type, action, target, detail)
WHERE NOT EXISTS (SELECT FROM audit_log);

-- --- end of accounts, the audit trail, incidents ---

COMMIT;
