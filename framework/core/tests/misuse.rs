//! Misuse does not compile, and says what is wrong about the user's own type.

#[test]
fn misuse_is_told_in_words_about_the_users_own_type() {
    let cases = trybuild::TestCases::new();
    // One that compiles makes trybuild build instead of check: constants are evaluated only then.
    cases.pass("tests/ui/pass/declares.rs");
    cases.compile_fail("tests/ui/*.rs");
}
