-- What the database of the AI trading platform has beside the tables of every stack: ticks and trades by time, and how it came to be.
--
-- TimescaleDB is not here. What its documents ask of it is answered by Postgres' own partitions: a hypertable is a table that is
-- partitioned by time, a chunk is a partition. The view has the columns of TimescaleDB 2.14 to 2.19, hypertable_size is as there.
-- Runs as the database's owner; running it again changes nothing.

BEGIN;

CREATE TABLE IF NOT EXISTS schema_migrations (
    version    text PRIMARY KEY,
    name       text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO schema_migrations (version, name) VALUES ('20240115093000', 'orders_executions_positions') ON CONFLICT DO NOTHING;

INSERT INTO risk_settings VALUES ('auto_trading', 1) ON CONFLICT DO NOTHING;  -- whether models place orders

CREATE SCHEMA IF NOT EXISTS _timescaledb_internal;
CREATE SCHEMA IF NOT EXISTS timescaledb_information;

-- Chunks of seven days: this week, the next, and one for everything else.
CREATE OR REPLACE PROCEDURE _timescaledb_internal.make_chunks(hypertable regclass, number int) LANGUAGE plpgsql AS $$
DECLARE
    week timestamptz := date_trunc('week', now());
    chunk text := '_timescaledb_internal._hyper_' || number || '_%s_chunk';
BEGIN
    FOR place IN 1..2 LOOP
        EXECUTE format('CREATE TABLE IF NOT EXISTS ' || chunk || ' PARTITION OF %s FOR VALUES FROM (%L) TO (%L)',
                       place, hypertable, week + (place - 1) * interval '7 days', week + place * interval '7 days');
    END LOOP;
    EXECUTE format('CREATE TABLE IF NOT EXISTS ' || chunk || ' PARTITION OF %s DEFAULT', 3, hypertable);
END $$;

CREATE TABLE IF NOT EXISTS market_data (          -- every tick; the trading API writes them
    time    timestamptz NOT NULL,
    symbol  text NOT NULL,
    price   double precision NOT NULL,
    tick_id text NOT NULL
) PARTITION BY RANGE (time);
CREATE INDEX IF NOT EXISTS market_data_symbol_time ON market_data (symbol, time DESC);
CALL _timescaledb_internal.make_chunks('market_data', 1);
INSERT INTO schema_migrations (version, name) VALUES ('20240302141500', 'market_data_hypertable') ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS trades (               -- every execution, by the time at which it was booked
    time     timestamptz NOT NULL DEFAULT now(),
    trade_id text NOT NULL,
    symbol   text NOT NULL,
    side     text NOT NULL,
    quantity bigint NOT NULL,
    price    double precision NOT NULL
) PARTITION BY RANGE (time);
CREATE INDEX IF NOT EXISTS trades_symbol_time ON trades (symbol, time DESC);
CALL _timescaledb_internal.make_chunks('trades', 2);

-- With a search path of its own: pg_dump's output has none, and what it adds must become trades too.
CREATE OR REPLACE FUNCTION keep_trade() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
    INSERT INTO trades (trade_id, symbol, side, quantity, price)
    VALUES (NEW.execution_id, NEW.symbol, NEW.side, NEW.quantity, NEW.price);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER executions_are_trades AFTER INSERT ON executions FOR EACH ROW EXECUTE FUNCTION keep_trade();
INSERT INTO schema_migrations (version, name) VALUES ('20240611080000', 'trades_hypertable') ON CONFLICT DO NOTHING;

CREATE OR REPLACE VIEW timescaledb_information.hypertables AS
SELECT space.nspname AS hypertable_schema,
       class.relname AS hypertable_name,
       pg_get_userbyid(class.relowner) AS owner,
       parts.partnatts AS num_dimensions,
       (SELECT count(*) FROM pg_inherits WHERE inhparent = class.oid) AS num_chunks,
       false AS compression_enabled,
       NULL::name[] AS tablespaces
FROM pg_partitioned_table parts
JOIN pg_class class ON class.oid = parts.partrelid
JOIN pg_namespace space ON space.oid = class.relnamespace;
GRANT USAGE ON SCHEMA timescaledb_information TO PUBLIC;
GRANT SELECT ON timescaledb_information.hypertables TO PUBLIC;

CREATE OR REPLACE FUNCTION hypertable_size(hypertable regclass) RETURNS bigint LANGUAGE sql STRICT STABLE AS $$
    SELECT sum(pg_total_relation_size(inhrelid))::bigint FROM pg_inherits WHERE inhparent = hypertable
$$;
INSERT INTO schema_migrations (version, name) VALUES ('20240918101500', 'hypertable_information') ON CONFLICT DO NOTHING;

COMMIT;
