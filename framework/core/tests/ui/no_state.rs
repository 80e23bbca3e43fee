use kolo_core::Aggregate;

struct Ledger;

fn main() {
    let _ = Aggregate::<Ledger>::new("ledger");
}
