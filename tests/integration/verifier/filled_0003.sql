-- What the verifier kept at version 0003, before amendments: a request of which one system has answered, one
-- that nobody has answered, and one that is closed. {registry} is the digest of the version that is published.
insert into verifier.plans (plan_id, registry_digest, system_ids, organisation_ids)
values ('019a0000-0000-7000-a000-000000000001', '{registry}', '{systems}', '{organisations}');

insert into verifier.requests (request_id, cohort_id, plan_id, asked_right, regime, due_at, opened_at, recorded_at,
    closed_at, expected, open_count)
values
    ('019a0000-0000-7000-8000-000000000011', '019a0000-0000-7000-8000-000000000011',
     '019a0000-0000-7000-a000-000000000001', 'deletion', 'gdpr', now() + interval '25 days',
     now() - interval '5 days', now() - interval '5 days', null, 3, 2),
    ('019a0000-0000-7000-8000-000000000012', '019a0000-0000-7000-8000-000000000012',
     '019a0000-0000-7000-a000-000000000001', 'deletion', 'gdpr', now() + interval '25 days',
     now() - interval '5 days', now() - interval '5 days', null, 3, 3),
    ('019a0000-0000-7000-8000-000000000013', '019a0000-0000-7000-8000-000000000013',
     '019a0000-0000-7000-a000-000000000001', 'deletion', 'gdpr', now() + interval '25 days',
     now() - interval '5 days', now() - interval '5 days', now() - interval '1 day', 3, 0);

insert into verifier.obligations (request_id, system_id, sequence, records, contradictions, is_confirmed,
    is_contradicted, answered_at, recorded_at, disposition, contradicts_closure)
values ('019a0000-0000-7000-8000-000000000011', '{system}', 1, 0, 0, true, false, '2026-03-03T09:00:00Z',
    now() - interval '4 days', 'erased', false);

insert into verifier.batches (batch_id, system_id, key_id, size, signature, leaf_hashes, received_at)
values ('019a0000-0000-7000-b000-000000000001', '{system}', 'key-1', 1, '\x00',
    '\xf34d85941cc3fbd9714cb511ad8838ac980b483a2bfce4df0db2d2d56c9cf0b0', now() - interval '4 days');

insert into verifier.acknowledgements (request_id, system_id, sequence, leaf_hash, batch_id, leaf_index, recorded_at,
    leaf)
values ('019a0000-0000-7000-8000-000000000011', '{system}', 1,
    '\xf34d85941cc3fbd9714cb511ad8838ac980b483a2bfce4df0db2d2d56c9cf0b0',
    '019a0000-0000-7000-b000-000000000001', 0, now() - interval '4 days',
    '\x0a2430313961303030302d303030302d373030302d383030302d30303030303030303030313112086163636f756e747318022003280132060890c69acd06');

insert into verifier.closures (request_id, cohort_id, asked_right, outcome, closed_at, obligations, evidence_digest,
    registry_digest)
values ('019a0000-0000-7000-8000-000000000013', '019a0000-0000-7000-8000-000000000013', 'deletion', 'fulfilled',
    now() - interval '1 day', 3, '\x00', '{registry}');
