//! The order service.

fn main() -> std::process::ExitCode {
    kolo::App::new(order::service()).main()
}
