"""Columns of Postgres' system views, versions 14 to 18, and those that older documents still name.

`name>=16` came with 16, `name<17` is gone since 17. As the catalogs of servers 15, 16 and 18 have them; tests compare with such servers.
Where 14 differs from 15, and 17 from both 16 and 18, this follows the release notes (section "Migration" and "Monitoring" of each):
15: jit_* and temp_blk_* in pg_stat_statements. 17: pg_stat_checkpointer takes over from pg_stat_bgwriter, blk_*_time become shared_blk_*_time,
columns of pg_stat_progress_vacuum and pg_replication_slots. 18: pg_stat_wal loses, pg_stat_io and pg_stat_user_tables gain columns.
"""

from scenarios.lint.postgres.versions import Named, table

VIEWS: dict[str, tuple[Named, ...]] = table("""
pg_stat_activity: datid datname pid leader_pid usesysid usename application_name client_addr client_hostname client_port
  backend_start xact_start query_start state_change wait_event_type wait_event state backend_xid backend_xmin query_id query
  backend_type
pg_stat_replication: pid usesysid usename application_name client_addr client_hostname client_port backend_start backend_xmin
  state sent_lsn write_lsn flush_lsn replay_lsn write_lag flush_lag replay_lag sync_priority sync_state reply_time
pg_stat_wal_receiver: pid status receive_start_lsn receive_start_tli written_lsn flushed_lsn received_tli last_msg_send_time
  last_msg_receipt_time latest_end_lsn latest_end_time slot_name sender_host sender_port conninfo
pg_stat_subscription: subid subname pid relid received_lsn last_msg_send_time last_msg_receipt_time latest_end_lsn
  latest_end_time leader_pid>=16 worker_type>=17
pg_stat_database: datid datname numbackends xact_commit xact_rollback blks_read blks_hit tup_returned tup_fetched tup_inserted
  tup_updated tup_deleted conflicts temp_files temp_bytes deadlocks checksum_failures checksum_last_failure blk_read_time
  blk_write_time session_time active_time idle_in_transaction_time sessions sessions_abandoned sessions_fatal sessions_killed
  stats_reset parallel_workers_to_launch>=18 parallel_workers_launched>=18
pg_stat_database_conflicts: datid datname confl_tablespace confl_lock confl_snapshot confl_bufferpin confl_deadlock
  confl_active_logicalslot>=16
pg_stat_bgwriter: checkpoints_timed<17 checkpoints_req<17 checkpoint_write_time<17 checkpoint_sync_time<17 buffers_checkpoint<17
  buffers_clean maxwritten_clean buffers_backend<17 buffers_backend_fsync<17 buffers_alloc stats_reset
pg_stat_checkpointer: num_timed>=17 num_requested>=17 num_done>=17 restartpoints_timed>=17 restartpoints_req>=17
  restartpoints_done>=17 write_time>=17 sync_time>=17 buffers_written>=17 slru_written>=17 stats_reset>=17
pg_stat_archiver: archived_count last_archived_wal last_archived_time failed_count last_failed_wal last_failed_time stats_reset
pg_stat_wal: wal_records wal_fpi wal_bytes wal_buffers_full wal_write<18 wal_sync<18 wal_write_time<18 wal_sync_time<18
  stats_reset
pg_stat_io: backend_type>=16 object>=16 context>=16 reads>=16 read_time>=16 writes>=16 write_time>=16 writebacks>=16
  writeback_time>=16 extends>=16 extend_time>=16 op_bytes>=16<18 hits>=16 evictions>=16 reuses>=16 fsyncs>=16 fsync_time>=16
  stats_reset>=16 read_bytes>=18 write_bytes>=18 extend_bytes>=18
pg_stat_slru: name blks_zeroed blks_hit blks_read blks_written blks_exists flushes truncates stats_reset
pg_stat_ssl: pid ssl version cipher bits client_dn client_serial issuer_dn
pg_stat_user_tables: relid schemaname relname seq_scan seq_tup_read idx_scan idx_tup_fetch n_tup_ins n_tup_upd n_tup_del
  n_tup_hot_upd n_live_tup n_dead_tup n_mod_since_analyze n_ins_since_vacuum last_vacuum last_autovacuum last_analyze
  last_autoanalyze vacuum_count autovacuum_count analyze_count autoanalyze_count last_seq_scan>=16 last_idx_scan>=16
  n_tup_newpage_upd>=16 total_vacuum_time>=18 total_autovacuum_time>=18 total_analyze_time>=18 total_autoanalyze_time>=18
pg_stat_all_tables: relid schemaname relname seq_scan seq_tup_read idx_scan idx_tup_fetch n_tup_ins n_tup_upd n_tup_del
  n_tup_hot_upd n_live_tup n_dead_tup n_mod_since_analyze n_ins_since_vacuum last_vacuum last_autovacuum last_analyze
  last_autoanalyze vacuum_count autovacuum_count analyze_count autoanalyze_count last_seq_scan>=16 last_idx_scan>=16
  n_tup_newpage_upd>=16 total_vacuum_time>=18 total_autovacuum_time>=18 total_analyze_time>=18 total_autoanalyze_time>=18
pg_stat_user_indexes: relid indexrelid schemaname relname indexrelname idx_scan idx_tup_read idx_tup_fetch last_idx_scan>=16
pg_stat_all_indexes: relid indexrelid schemaname relname indexrelname idx_scan idx_tup_read idx_tup_fetch last_idx_scan>=16
pg_statio_user_tables: relid schemaname relname heap_blks_read heap_blks_hit idx_blks_read idx_blks_hit toast_blks_read
  toast_blks_hit tidx_blks_read tidx_blks_hit
pg_statio_user_indexes: relid indexrelid schemaname relname indexrelname idx_blks_read idx_blks_hit
pg_stat_user_functions: funcid schemaname funcname calls total_time self_time
pg_stat_progress_vacuum: pid datid datname relid phase heap_blks_total heap_blks_scanned heap_blks_vacuumed index_vacuum_count
  max_dead_tuples<17 num_dead_tuples<17 max_dead_tuple_bytes>=17 dead_tuple_bytes>=17 num_dead_item_ids>=17 indexes_total>=17
  indexes_processed>=17 delay_time>=18
pg_stat_progress_create_index: pid datid datname relid index_relid command phase lockers_total lockers_done current_locker_pid
  blocks_total blocks_done tuples_total tuples_done partitions_total partitions_done
pg_stat_progress_basebackup: pid phase backup_total backup_streamed tablespaces_total tablespaces_streamed
pg_stat_replication_slots: slot_name spill_txns spill_count spill_bytes stream_txns stream_count stream_bytes total_txns
  total_bytes stats_reset
pg_locks: locktype database relation page tuple virtualxid transactionid classid objid objsubid virtualtransaction pid mode
  granted fastpath waitstart
pg_replication_slots: slot_name plugin slot_type datoid database temporary active active_pid xmin catalog_xmin restart_lsn
  confirmed_flush_lsn wal_status safe_wal_size two_phase conflicting>=16 two_phase_at>=18 inactive_since>=17
  invalidation_reason>=17 failover>=17 synced>=17
pg_settings: name setting unit category short_desc extra_desc context vartype source min_val max_val enumvals boot_val reset_val
  sourcefile sourceline pending_restart
pg_file_settings: sourcefile sourceline seqno name setting applied error
pg_database: oid datname datdba encoding datlocprovider>=15 datistemplate datallowconn datconnlimit datfrozenxid datminmxid
  dattablespace datcollate datctype daticulocale>=15<17 datcollversion>=15 datacl daticurules>=16 dathasloginevt>=17
  datlocale>=17
pg_prepared_xacts: transaction gid prepared owner database
pg_tables: schemaname tablename tableowner tablespace hasindexes hasrules hastriggers rowsecurity
pg_indexes: schemaname tablename indexname tablespace indexdef
pg_stats: schemaname tablename attname inherited null_frac avg_width n_distinct most_common_vals most_common_freqs
  histogram_bounds correlation most_common_elems most_common_elem_freqs elem_count_histogram range_length_histogram>=17
  range_empty_frac>=17 range_bounds_histogram>=17
pg_roles: rolname rolsuper rolinherit rolcreaterole rolcreatedb rolcanlogin rolreplication rolconnlimit rolpassword
  rolvaliduntil rolbypassrls rolconfig oid
pg_tablespace: oid spcname spcowner spcacl spcoptions
pg_extension: oid extname extowner extnamespace extrelocatable extversion extconfig extcondition
pg_stat_statements: userid dbid toplevel queryid query plans total_plan_time min_plan_time max_plan_time mean_plan_time
  stddev_plan_time calls total_exec_time min_exec_time max_exec_time mean_exec_time stddev_exec_time rows shared_blks_hit
  shared_blks_read shared_blks_dirtied shared_blks_written local_blks_hit local_blks_read local_blks_dirtied local_blks_written
  temp_blks_read temp_blks_written blk_read_time<17 blk_write_time<17 temp_blk_read_time>=15 temp_blk_write_time>=15 wal_records
  wal_fpi wal_bytes jit_functions>=15 jit_generation_time>=15 jit_inlining_count>=15 jit_inlining_time>=15
  jit_optimization_count>=15 jit_optimization_time>=15 jit_emission_count>=15 jit_emission_time>=15 shared_blk_read_time>=17
  shared_blk_write_time>=17 local_blk_read_time>=17 local_blk_write_time>=17 jit_deform_count>=17 jit_deform_time>=17
  stats_since>=17 minmax_stats_since>=17 wal_buffers_full>=18 parallel_workers_to_launch>=18 parallel_workers_launched>=18
pg_stat_statements_info: dealloc stats_reset
""")

# (view, column): the version that dropped it, what to write instead, and the release notes that say so.
FORMER: dict[tuple[str, str], tuple[str, str]] = {
    ("pg_stat_activity", "procpid"): ("9.2", "pid"),
    ("pg_stat_activity", "current_query"): ("9.2", "query"),
    ("pg_stat_activity", "waiting"): ("9.6", "wait_event IS NOT NULL"),
    ("pg_stat_replication", "procpid"): ("9.2", "pid"),
    ("pg_stat_replication", "sent_location"): ("10", "sent_lsn"),
    ("pg_stat_replication", "write_location"): ("10", "write_lsn"),
    ("pg_stat_replication", "flush_location"): ("10", "flush_lsn"),
    ("pg_stat_replication", "replay_location"): ("10", "replay_lsn"),
    ("pg_stat_wal_receiver", "received_lsn"): ("13", "flushed_lsn"),
    ("pg_stat_statements", "total_time"): ("13", "total_exec_time"),
    ("pg_stat_statements", "min_time"): ("13", "min_exec_time"),
    ("pg_stat_statements", "max_time"): ("13", "max_exec_time"),
    ("pg_stat_statements", "mean_time"): ("13", "mean_exec_time"),
    ("pg_stat_statements", "stddev_time"): ("13", "stddev_exec_time"),
    ("pg_stat_statements", "blk_read_time"): ("17", "shared_blk_read_time"),
    ("pg_stat_statements", "blk_write_time"): ("17", "shared_blk_write_time"),
    ("pg_stat_bgwriter", "checkpoints_timed"): ("17", "num_timed of pg_stat_checkpointer"),
    ("pg_stat_bgwriter", "checkpoints_req"): ("17", "num_requested of pg_stat_checkpointer"),
    ("pg_stat_bgwriter", "checkpoint_write_time"): ("17", "write_time of pg_stat_checkpointer"),
    ("pg_stat_bgwriter", "checkpoint_sync_time"): ("17", "sync_time of pg_stat_checkpointer"),
    ("pg_stat_bgwriter", "buffers_checkpoint"): ("17", "buffers_written of pg_stat_checkpointer"),
    ("pg_stat_bgwriter", "buffers_backend"): ("17", "writes of pg_stat_io"),
    ("pg_stat_bgwriter", "buffers_backend_fsync"): ("17", "fsyncs of pg_stat_io"),
    ("pg_database", "datlastsysoid"): ("15", "nothing: it meant nothing any more"),
    ("pg_database", "daticulocale"): ("17", "datlocale"),
    ("pg_tablespace", "spclocation"): ("9.2", "pg_tablespace_location(oid)"),
}

ADDED_VIEWS = {"pg_stat_io": 16, "pg_stat_checkpointer": 17}
SYSTEM_COLUMNS = ("oid", "ctid", "xmin", "xmax", "cmin", "cmax", "tableoid")
