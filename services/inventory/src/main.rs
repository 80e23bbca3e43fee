//! The inventory service.

fn main() -> std::process::ExitCode {
    kolo::App::new(inventory::service()).main()
}
