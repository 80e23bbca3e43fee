//! The hotel service.

fn main() -> std::process::ExitCode {
    kolo::App::new(hotel::service()).main()
}
