-- Three requests that were closed before there was a log.
insert into verifier.closures (
    request_id, cohort_id, asked_right, outcome, closed_at, obligations,
    evidence_digest, registry_digest)
select gen_random_uuid(), gen_random_uuid(), 'deletion', 'fulfilled', now(), 1, '', ''
from generate_series(1, 3);
