//! The order service.

mod http; // its HTTP API, which runs beside it

fn main() -> std::process::ExitCode {
    kolo::App::new(order::service())
        .beside("http", http::serve)
        .main()
}
