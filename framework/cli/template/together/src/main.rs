//! All services in one process, on a broker in memory: three trips, and how each of them ends.

mod trips;

use std::error::Error;

use kolo::{App, Config};
use kolo_broker::Broker;

fn main() -> Result<(), Box<dyn Error>> {
    let broker = Broker::builder().start_blocking()?;
    println!("a broker in memory listens at {}", broker.bootstrap());
    for story in run(&Config::new(broker.bootstrap()))? {
        println!("{story}");
    }
    Ok(())
}

/// Starts the services, sends two, six and twelve people to Lisbon, and waits until each trip has ended.
fn run(config: &Config) -> Result<Vec<String>, Box<dyn Error>> {
    let services = [
        App::new(flight::service()).start(config)?,
        App::new(hotel::service()).start(config)?,
    ];
    let trips = [2, 6, 12].map(trips::to_lisbon);
    for trip in &trips {
        trips::publish(config, trip)?;
    }
    let stories = trips::until_ended(config, &trips)?;
    for service in services {
        service.stop()?;
    }
    Ok(stories)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_travel_six_find_no_room_and_twelve_no_seats() -> Result<(), Box<dyn Error>> {
        let config = Config::new(kolo_broker::testing::bootstrap());
        assert_eq!(
            run(&config)?,
            [
                "2 to Lisbon: SeatsHeld, TicketsIssued",
                "6 to Lisbon: SeatsHeld, SeatsReleased",
                "12 to Lisbon: SeatsRefused",
            ]
        );
        Ok(())
    }
}
