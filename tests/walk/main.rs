//! Walks the state machine's definition with the real handlers in this process, against a simulated AWS: what cannot be
//! made to happen at an exact moment on local AWS happens here.

mod accounts;
mod calls;
mod cold;
mod commands;
mod confidence;
mod counts;
mod doctor;
mod filing;
mod hostile;
mod machine_tests;
mod quiet;
mod quotas;
mod refusals;
mod reports;
mod safety;
mod search;
mod stored;
mod undecidable;
mod warnings;
mod world;
mod worth;
