#![no_main]

libfuzzer_sys::fuzz_target!(|document: &[u8]| power_tuner_properties::state(document));
