-- What intake kept at version 0003, before decisions: open, waiting, proven and answered requests.
-- The wrapped keys are those of the key-encryption key of the tests. {registry} and {rules} are the digests
-- of the versions that are published when it is filled in.
insert into intake.api_clients (client_id, name, secret_hash, created_at)
values ('00000000000000aa', 'web shop', '\x00', '2026-03-01T09:00:00Z');

insert into intake.cohorts (id, "right", regime, jurisdiction, categories, organisation_ids, identifier_kinds,
    registry_digest, members, open_members, received_at, accepted_at, due_at, answered_at, rules_digest, regime_why,
    first_due_at)
values ('019a0000-0000-7000-9000-000000000001', 'deletion', 'gdpr', 'DE', '{}', '{}', '{email}', '{registry}', 3, 2,
    now() - interval '5 days', now() - interval '5 days', now() + interval '25 days', null, '{rules}', 'it applies in DE',
    null);
insert into intake.subject_requests (id, cohort_id, client_id, state, outcome, "right", jurisdiction,
    requester_role, channel, received_at, accepted_at, closed_at, answered_at, lookup_hashes, identity_method,
    identity_proven_at, identity_reason, identity_ciphertext)
values ('019a0000-0000-7000-8000-000000000001', '019a0000-0000-7000-9000-000000000001', '00000000000000aa', 'open', null,
    'deletion', 'DE', 'data_subject', 'api', now() - interval '5 days', now() - interval '5 days', null, null,
    '{"\\x01"}', 'attested', now() - interval '4 days', null,
    '\x000000000000000000000000e46ebab9185a6ad3b155b0281056aa24d1ebefd5f7ec5b94e1154eb076b7036b32dd83983c839d357afd3abaa4ae0e4bdedbe61c6f1408c38a');
insert into intake_keys.request_keys (request_id, wrapped_key, kek_id)
values ('019a0000-0000-7000-8000-000000000001', '\x6840c4ebfc488dc1d308e6af32712e04c60454ba32003d4dfed5a0d5ba5824be1416a847e42826f15712cc57061e245139de0e1e27ea6bc1d37bdc09',
    '377597cbf5d44111');
insert into intake.subject_requests (id, cohort_id, client_id, state, outcome, "right", jurisdiction,
    requester_role, channel, received_at, accepted_at, closed_at, answered_at, lookup_hashes, identity_method,
    identity_proven_at, identity_reason, identity_ciphertext)
values ('019a0000-0000-7000-8000-000000000002', '019a0000-0000-7000-9000-000000000001', '00000000000000aa', 'open', null,
    'deletion', 'DE', 'data_subject', 'api', now() - interval '5 days', now() - interval '5 days', null, null,
    '{"\\x02"}', 'attested', now() - interval '4 days', null,
    '\x000000000000000000000000012918ab884d37cc09be81ce01b2fef083c7fefc7a6d24aa7ac4f86ce1e08c61e9a8973dc9910752c1f37a05e12abc3c516a79bd662b2e0beb');
insert into intake_keys.request_keys (request_id, wrapped_key, kek_id)
values ('019a0000-0000-7000-8000-000000000002', '\x081c545c87d3efb18aaa1910d2b4040331b5d257656f19ac36d166cea4dd88301a6a015df00db81cc2311a4743dd3d290d6a7a0394563aa2fe48b310',
    '377597cbf5d44111');
insert into intake.subject_requests (id, cohort_id, client_id, state, outcome, "right", jurisdiction,
    requester_role, channel, received_at, accepted_at, closed_at, answered_at, lookup_hashes, identity_method,
    identity_proven_at, identity_reason, identity_ciphertext)
values ('019a0000-0000-7000-8000-000000000003', '019a0000-0000-7000-9000-000000000001', '00000000000000aa', 'answered', 'fulfilled',
    'deletion', 'DE', 'data_subject', 'api', now() - interval '5 days', now() - interval '5 days', now() - interval '1 day', now() - interval '1 day',
    '{"\\x03"}', 'attested', now() - interval '4 days', null,
    null);

insert into intake.cohorts (id, "right", regime, jurisdiction, categories, organisation_ids, identifier_kinds,
    registry_digest, members, open_members, received_at, accepted_at, due_at, answered_at, rules_digest, regime_why,
    first_due_at)
values ('019a0000-0000-7000-8000-000000000004', 'deletion', 'gdpr', 'DE', '{}', '{}', '{email}', '{registry}', 1, 1,
    now() - interval '5 days', now() - interval '5 days', now() + interval '25 days', null, '{rules}', 'it applies in DE',
    null);
insert into intake.subject_requests (id, cohort_id, client_id, state, outcome, "right", jurisdiction,
    requester_role, channel, received_at, accepted_at, closed_at, answered_at, lookup_hashes, identity_method,
    identity_proven_at, identity_reason, identity_ciphertext)
values ('019a0000-0000-7000-8000-000000000004', '019a0000-0000-7000-8000-000000000004', '00000000000000aa', 'awaiting_identity', null,
    'deletion', 'DE', 'data_subject', 'api', now() - interval '5 days', now() - interval '5 days', null, null,
    '{"\\x04"}', null, null, null,
    '\x0000000000000000000000002b470e12e587290ff8e47483c2ef9a8d3ddde3727a1de4125eac1ce0218736cf1de1eba66b8c3a8d11af2300b50bfb86ed76a1e8e0775a6984');
insert into intake_keys.request_keys (request_id, wrapped_key, kek_id)
values ('019a0000-0000-7000-8000-000000000004', '\xca8e00068e210d14c11b4d700969ef07bbcd222b778c6046fe5ec671eb7cdc4b4a30d0a38fdd9a16b7cd7837b6e5c626c4a0a1f5a87e73bf49a90580',
    '377597cbf5d44111');

insert into intake.cohorts (id, "right", regime, jurisdiction, categories, organisation_ids, identifier_kinds,
    registry_digest, members, open_members, received_at, accepted_at, due_at, answered_at, rules_digest, regime_why,
    first_due_at)
values ('019a0000-0000-7000-8000-000000000005', 'deletion', 'gdpr', 'DE', '{}', '{}', '{email}', '{registry}', 1, 1,
    now() - interval '5 days', now() - interval '5 days', now() + interval '25 days', null, '{rules}', 'it applies in DE',
    now() + interval '20 days');
insert into intake.subject_requests (id, cohort_id, client_id, state, outcome, "right", jurisdiction,
    requester_role, channel, received_at, accepted_at, closed_at, answered_at, lookup_hashes, identity_method,
    identity_proven_at, identity_reason, identity_ciphertext)
values ('019a0000-0000-7000-8000-000000000005', '019a0000-0000-7000-8000-000000000005', '00000000000000aa', 'open', null,
    'deletion', 'DE', 'data_subject', 'api', now() - interval '5 days', now() - interval '5 days', null, null,
    '{"\\x05"}', 'operator', now() - interval '4 days', 'seen at the desk',
    '\x00000000000000000000000052b677fbb039a330ed0c201c0cacc7ea5b88c1d2f144aebe83da67426dab4792a667f443b6baa780a60aa6307dbdf181046e267a0d27435c22');
insert into intake_keys.request_keys (request_id, wrapped_key, kek_id)
values ('019a0000-0000-7000-8000-000000000005', '\x64fbf57cf28fe248a92bcfbdb95be28eae4f06155134682e56e6b504ad26caa003f3e005b897058fc7de1033569c8984d0cb09c409a670e2b54c44ec',
    '377597cbf5d44111');

insert into intake.cohorts (id, "right", regime, jurisdiction, categories, organisation_ids, identifier_kinds,
    registry_digest, members, open_members, received_at, accepted_at, due_at, answered_at, rules_digest, regime_why,
    first_due_at)
values ('019a0000-0000-7000-8000-000000000006', 'deletion', 'gdpr', 'DE', '{}', '{}', '{email}', '{registry}', 1, 0,
    now() - interval '5 days', now() - interval '5 days', now() + interval '25 days', now() - interval '1 day', '{rules}', 'it applies in DE',
    null);
insert into intake.subject_requests (id, cohort_id, client_id, state, outcome, "right", jurisdiction,
    requester_role, channel, received_at, accepted_at, closed_at, answered_at, lookup_hashes, identity_method,
    identity_proven_at, identity_reason, identity_ciphertext)
values ('019a0000-0000-7000-8000-000000000006', '019a0000-0000-7000-8000-000000000006', '00000000000000aa', 'answered', 'not_verified',
    'deletion', 'DE', 'data_subject', 'api', now() - interval '5 days', now() - interval '5 days', now() - interval '1 day', now() - interval '1 day',
    '{"\\x06"}', null, null, null,
    null);

insert into intake.idempotency_keys (key, content, request_id, created_at)
values ('\x0a', '\x0b', '019a0000-0000-7000-8000-000000000005', now() - interval '5 days');
