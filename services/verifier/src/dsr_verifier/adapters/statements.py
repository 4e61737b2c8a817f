"""The ledger's SQL: a fixed number of statements a micro-batch, each over arrays."""

from __future__ import annotations

LOCK = """
select r.request_id, r.cohort_id, r.asked_right, r.plan_id, r.open_count, r.closed_at, r.due_at,
    r.opened_at, r.home_cohort_id, r.stopping, r.opened_plan_id
from verifier.requests r
where r.request_id = any($1::text::uuid[])
order by r.request_id
for no key update
"""

PLANS = """
select plan_id, registry_digest, system_ids, organisation_ids, looks_again, phases
from verifier.plans where plan_id = any($1::uuid[])
"""

ADD_PLANS = """
insert into verifier.plans (
    plan_id, registry_digest, system_ids, organisation_ids, looks_again, phases)
values ($1, $2, $3, $4, $5, $6) on conflict do nothing
"""

ADD_REQUESTS = """
insert into verifier.requests (
    request_id, cohort_id, plan_id, asked_right, regime, due_at, opened_at, rules_digest,
    received_at, asked_scope, recorded_at, expected, open_count)
select request_id, cohort_id, plan_id, asked_right, regime, due_at, opened_at, rules_digest,
    received_at, asked_scope, $12::timestamptz, expected, expected
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[],
    $7::timestamptz[], $8::integer[], $9::text[], $10::timestamptz[], $11::text[])
    as n (request_id, cohort_id, plan_id, asked_right, regime, due_at, opened_at, expected,
        rules_digest, received_at, asked_scope)
order by request_id
on conflict do nothing
returning request_id, exists (
    select from verifier.amendments a
    where a.request_id = requests.request_id and a.effect is null) as is_amended
"""

OPENED_AS = """
select request_id, coalesce(home_cohort_id, cohort_id) as cohort_id,
    coalesce(opened_plan_id, plan_id) as plan_id, asked_right
from verifier.requests where request_id = any($1::uuid[])
"""

ADD_BATCHES = """
insert into verifier.batches (
    batch_id, system_id, key_id, size, signature, leaf_hashes, received_at)
select n.* from unnest($1::uuid[], $2::text[], $3::text[], $4::integer[], $5::bytea[],
    $6::bytea[], $7::timestamptz[]) as n
on conflict do nothing
"""

ADD_ANSWERS = """
with added as (
    insert into verifier.acknowledgements (
        request_id, system_id, sequence, leaf_hash, batch_id, leaf_index, leaf, recorded_at)
    select n.*, $8::timestamptz from unnest($1::text::uuid[], $2::text::text[], $3::text::bigint[],
        $4::bytea[], $5::text::uuid[], $6::text::integer[], $7::bytea[]) as n
    on conflict do nothing
    returning leaf_hash)
select leaf_hash from unnest($4::bytea[]) as given (leaf_hash)
except select leaf_hash from added
"""

STANDING_COLUMNS = """
o.request_id::text, o.system_id, o.sequence, o.records, o.contradictions, o.is_confirmed,
o.is_contradicted, o.answered_at, o.retry_at, o.disposition, o.reason, o.exemptions, o.settled_by,
o.delivery
"""
"""In the order in which `rows.standing_of` takes them."""

STANDINGS = f"""
select {STANDING_COLUMNS} from verifier.obligations o
join unnest($1::text::uuid[], $2::text::text[]) as n (request_id, system_id) using (request_id, system_id)
"""

STANDINGS_OF = f"""
select {STANDING_COLUMNS} from verifier.obligations o where o.request_id = any($1::text::uuid[])
"""

ANSWERS = """
select a.request_id, a.system_id, a.leaf from verifier.acknowledgements a
join unnest($1::text::uuid[], $2::text::text[]) as n (request_id, system_id) using (request_id, system_id)
"""

SET_STANDINGS = """
insert into verifier.obligations as o (
    request_id, system_id, sequence, records, contradictions, is_confirmed, is_contradicted,
    answered_at, retry_at, disposition, reason, exemptions, settled_by, delivery, recorded_at)
select n.*, $15::timestamptz from unnest($1::text::uuid[], $2::text::text[], $3::text::bigint[], $4::text::bigint[], $5::text::integer[],
    $6::text::boolean[], $7::text::boolean[], $8::timestamptz[], $9::timestamptz[], $10::text::text[], $11::text[],
    $12::text[], $13::text[], $14::text[]) as n
on conflict (request_id, system_id) do update set
    sequence = excluded.sequence, records = excluded.records,
    contradictions = excluded.contradictions, is_confirmed = excluded.is_confirmed,
    is_contradicted = excluded.is_contradicted, answered_at = excluded.answered_at,
    retry_at = excluded.retry_at, disposition = excluded.disposition, reason = excluded.reason,
    exemptions = excluded.exemptions, settled_by = excluded.settled_by,
    delivery = excluded.delivery, recorded_at = excluded.recorded_at
"""

ADD_LATE = """
insert into verifier.late_answers (request_id, system_id, sequence, leaf_hash)
select n.* from unnest($1::text::uuid[], $2::text::text[], $3::text::bigint[], $4::bytea[]) as n
on conflict do nothing
"""

CONTRADICT = """
update verifier.obligations o set contradicts_closure = n.contradicts_closure
from unnest($1::text::uuid[], $2::text::text[], $3::boolean[]) as n (request_id, system_id, contradicts_closure)
where o.request_id = n.request_id and o.system_id = n.system_id
and o.contradicts_closure <> n.contradicts_closure
"""

SET_COUNTS = """
update verifier.requests r set open_count = n.open_count, closed_at = n.closed_at
from unnest($1::text::uuid[], $2::text::integer[], $3::timestamptz[])
    as n (request_id, open_count, closed_at)
where r.request_id = n.request_id
"""

ADD_CLOSURES = """
with closed as (
    insert into verifier.closures (
        request_id, cohort_id, asked_right, outcome, closed_at, obligations, evidence_digest,
        registry_digest)
    select * from unnest($1::text::uuid[], $2::text::uuid[], $3::text::text[], $4::text::text[],
        $5::timestamptz[], $6::text::integer[], $7::bytea[], $8::text[])
    returning request_id, closed_at)
insert into verifier.log_pending (kind, request_id, at)
select 'closure', request_id, closed_at from closed
"""

ADD_CHANGES = """
insert into verifier.changes as c (at, request_ids, system_ids, dispositions, confirmed)
values ($1, $2::text::uuid[], $3::text::text[], $4::text::text[], $5::text::boolean[])
on conflict (xid) do update set
    request_ids = c.request_ids || excluded.request_ids,
    system_ids = c.system_ids || excluded.system_ids,
    dispositions = c.dispositions || excluded.dispositions,
    confirmed = c.confirmed || excluded.confirmed
"""

PARKED_COUNTS = """
select system_id, count(*) from verifier.parked where system_id = any($1::text[]) group by system_id
"""

PARK_RECORDS = """
insert into verifier.parked_records (
    batch_id, topic, partition, record_offset, key, value, headers, received_at)
select n.* from unnest($1::uuid[], $2::text[], $3::integer[], $4::bigint[], $5::bytea[],
    $6::bytea[], $7::text[], $8::timestamptz[]) as n (batch_id)
order by n.batch_id
on conflict do nothing
"""

PARK = """
insert into verifier.parked (
    request_id, system_id, sequence, leaf_hash, batch_id, leaf_index, leaf, parked_at)
select n.*, $8::timestamptz from unnest($1::text::uuid[], $2::text::text[], $3::text::bigint[], $4::bytea[], $5::text::uuid[],
    $6::text::integer[], $7::bytea[]) as n (request_id, system_id, sequence, leaf_hash)
order by n.request_id, n.system_id, n.sequence, n.leaf_hash
on conflict do nothing
"""

UNPARK = """
delete from verifier.parked where request_id = any($1::uuid[])
returning batch_id, leaf_index, leaf, leaf_hash
"""

EXPIRE = """
delete from verifier.parked where (request_id, system_id, sequence, leaf_hash) in (
    select request_id, system_id, sequence, leaf_hash from verifier.parked p
    where parked_at < $1
    and not exists (
        select from verifier.requests r join verifier.plans l using (plan_id)
        where r.request_id = p.request_id and p.system_id = any(l.system_ids))
    order by parked_at limit $2 for update skip locked)
returning batch_id, leaf_index, leaf, leaf_hash
"""

PARKED_RECORDS = "select * from verifier.parked_records where batch_id = any($1::uuid[])"

DROP_PARKED_RECORDS = """
delete from verifier.parked_records r where batch_id = any($1::uuid[])
and not exists (select from verifier.parked p where p.batch_id = r.batch_id)
"""

JOINABLE = """
select distinct p.request_id from verifier.parked p
join verifier.requests r using (request_id) join verifier.plans l using (plan_id)
where p.system_id = any(l.system_ids) limit $1
"""

ADD_SPANS = """
insert into verifier.traces (request_id, traceparent)
select * from unnest($1::uuid[], $2::text[]) on conflict do nothing
"""

TAKE_SPANS = """
delete from verifier.traces where request_id = any($1::uuid[]) returning request_id, traceparent
"""

PARKED_COUNT = "select count(*) from verifier.parked"

PRUNE_CHANGES = """
with oldest as (select xid, at from verifier.changes order by xid limit $2)
delete from verifier.changes c using oldest o where c.xid = o.xid and o.at < $1
"""

ADD_AMENDMENTS = """
insert into verifier.amendments (
    request_id, revision, kind, cohort_id, amended_at, effective_at, value, recorded_at)
select n.*, $8::timestamptz from unnest($1::uuid[], $2::integer[], $3::text[], $4::uuid[],
    $5::timestamptz[], $6::timestamptz[], $7::bytea[]) as n (request_id, revision, kind)
order by n.request_id, n.revision, n.kind
on conflict do nothing
returning request_id, revision, kind
"""

KEPT_AMENDMENTS = """
select a.request_id, a.revision, a.kind, a.value from verifier.amendments a
join unnest($1::uuid[], $2::integer[], $3::text[]) as n (request_id, revision, kind)
    using (request_id, revision, kind)
"""

WAITING_AMENDMENTS = """
select request_id, value from verifier.amendments
where request_id = any($1::uuid[]) and effect is null
"""

APPLIED_AMENDMENTS = """
select request_id, value from verifier.amendments
where request_id = any($1::uuid[]) and effect = 'applied'
"""

SET_EFFECTS = """
update verifier.amendments a set effect = n.effect, effect_at = $5
from unnest($1::uuid[], $2::integer[], $3::text[], $4::text[])
    as n (request_id, revision, kind, effect)
where a.request_id = n.request_id and a.revision = n.revision and a.kind = n.kind
"""

AMEND = """
update verifier.requests r set
    home_cohort_id = coalesce(r.home_cohort_id, r.cohort_id),
    opened_plan_id = coalesce(r.opened_plan_id, r.plan_id),
    opened_due_at = coalesce(r.opened_due_at, r.due_at),
    cohort_id = n.cohort_id, plan_id = n.plan_id, due_at = n.due_at, stopping = n.stopping,
    held_system_ids = string_to_array(n.held, ' '), expected = n.expected,
    open_count = n.open_count
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::text[], $6::text[],
    $7::integer[], $8::integer[])
    as n (request_id, cohort_id, plan_id, due_at, stopping, held, expected, open_count)
where r.request_id = n.request_id
"""

AMENDABLE = """
select distinct a.request_id from verifier.amendments a
join verifier.requests r using (request_id) where a.effect is null limit $1
"""

DROP_BREACHES = """
delete from verifier.breaches b where b.request_id = any($1::uuid[])
and not exists (
    select from unnest($2::uuid[], $3::text[], $4::uuid[]) as n (request_id, system_id, hold_id)
    where n.request_id = b.request_id and n.system_id = b.system_id and n.hold_id = b.hold_id)
"""

ADD_BREACHES = """
insert into verifier.breaches (
    request_id, system_id, hold_id, sequence, answered_at, recorded_at)
select n.*, $6::timestamptz from unnest($1::uuid[], $2::text[], $3::uuid[], $4::bigint[],
    $5::timestamptz[]) as n
on conflict do nothing
returning request_id, system_id, hold_id
"""
