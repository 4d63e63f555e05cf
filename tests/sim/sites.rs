//! The configurations that the pages of a world are deployed with.

use crate::places::{Lane, PLACES, Site, site};
use crate::rng::Rng;

/// The configurations of one world's pages. In half of the worlds there is the native destination alone, as where
/// nobody configures any; in some they change between visits.
pub(crate) fn sites(rng: &mut Rng) -> Vec<Site> {
    let first: Site = match rng.weighted(&[5, 4, 1]) {
        0 => site(&[0]),
        1 => site(&[0, 1, 2]),
        _ => site([&[0, 2][..], &[2, 0], &[1, 0], &[2, 1]][rng.below(4) as usize]),
    };
    let mut sites = vec![first];
    if rng.chance(750) {
        return sites;
    }
    for _ in 0..rng.between(1, 3) {
        let mut next = sites[sites.len() - 1].clone();
        change(&mut next, rng);
        sites.push(next);
    }
    sites
}

/// A destination appears, disappears, is renamed, or is encoded by a newer version.
fn change(site: &mut Site, rng: &mut Rng) {
    let at = rng.below(site.len() as u64) as usize;
    match rng.below(4) {
        0 if site.len() > 1 => _ = site.remove(at),
        1 if !site.iter().any(|lane| lane.place == 3) => {
            if let Some(lane) = site.iter_mut().find(|lane| lane.place == 2) {
                lane.place = 3;
            }
        }
        2 => {
            if let Some(lane) = site.iter_mut().find(|lane| lane.place > 0) {
                lane.version = 1;
            }
        }
        _ => {
            let lane = Lane {
                place: rng.below(PLACES.len() as u64) as usize,
                version: 0,
            };
            if !site.iter().any(|other| other.place == lane.place) {
                site.insert(at, lane);
            }
        }
    }
}
