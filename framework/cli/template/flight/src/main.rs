//! The flight service.

fn main() -> std::process::ExitCode {
    kolo::App::new(flight::service()).main()
}
