//! Steps in the wrong order do not compile, and the message says what to write.

#[test]
fn steps_in_the_wrong_order_do_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
