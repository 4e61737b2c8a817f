-- What the verifier kept at version 0016, before copies were settled: a request for access that is closed, for which
-- one system has handed something over, one that is open, and a deletion that waits for both.
insert into verifier.plans (plan_id, registry_digest, system_ids, organisation_ids)
values ('019a0000-0000-7000-a000-000000000001', '{registry}', '{crm,mailer}', '{example-group,example-mail}');

insert into verifier.plans (plan_id, registry_digest, system_ids, organisation_ids, phases)
values ('019a0000-0000-7000-a000-000000000002', '{registry}', '{crm,mailer}', '{example-group,example-mail}', '{1,1}');

insert into verifier.requests (request_id, cohort_id, plan_id, asked_right, regime, due_at, opened_at, recorded_at,
    closed_at, expected, open_count)
values
    ('019a0000-0000-7000-8000-000000000021', '019a0000-0000-7000-8000-000000000021',
     '019a0000-0000-7000-a000-000000000001', 'access', 'gdpr', now() + interval '25 days',
     now() - interval '5 days', now() - interval '5 days', now() - interval '1 day', 2, 0),
    ('019a0000-0000-7000-8000-000000000022', '019a0000-0000-7000-8000-000000000022',
     '019a0000-0000-7000-a000-000000000001', 'access', 'gdpr', now() + interval '25 days',
     now() - interval '5 days', now() - interval '5 days', null, 2, 2),
    ('019a0000-0000-7000-8000-000000000023', '019a0000-0000-7000-8000-000000000023',
     '019a0000-0000-7000-a000-000000000002', 'deletion', 'gdpr', now() + interval '25 days',
     now() - interval '5 days', now() - interval '5 days', null, 2, 2);

insert into verifier.obligations (request_id, system_id, sequence, records, contradictions, is_confirmed,
    is_contradicted, answered_at, recorded_at, disposition, contradicts_closure, delivery)
values
    ('019a0000-0000-7000-8000-000000000021', 'crm', 1, 0, 0, true, false, now() - interval '1 day',
     now() - interval '1 day', 'delivered', false, '{delivery}'),
    ('019a0000-0000-7000-8000-000000000021', 'mailer', 1, 0, 0, true, false, now() - interval '1 day',
     now() - interval '1 day', 'not_found', false, null);

insert into verifier.closures (request_id, cohort_id, asked_right, outcome, closed_at, obligations, evidence_digest,
    registry_digest)
values ('019a0000-0000-7000-8000-000000000021', '019a0000-0000-7000-8000-000000000021', 'access', 'fulfilled',
    now() - interval '1 day', 2, '\x00', '{registry}');

insert into verifier.awaited (awaited_id, request_id)
values
    ('019a0000-0000-7000-8000-000000000021', '019a0000-0000-7000-8000-000000000023'),
    ('019a0000-0000-7000-8000-000000000022', '019a0000-0000-7000-8000-000000000023');

insert into verifier.phases (cohort_id, phase, told_at)
values
    ('019a0000-0000-7000-8000-000000000023', 0, now() - interval '5 days'),
    ('019a0000-0000-7000-8000-000000000023', 1, null);
