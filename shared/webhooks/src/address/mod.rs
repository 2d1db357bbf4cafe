//! Which addresses may be connected to.
//!
//! An endpoint's URL is a merchant's. Were it followed anywhere, a merchant could have the engine post to
//! what only the engine can reach: the machine itself, its network, a cloud's metadata service.

mod url;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub use url::{UrlFault, check_url};

/// What of IPv4 is not public: IANA's IPv4 Special-Purpose Address Registry, and multicast. The registry's
/// few public anycast services within these ranges are no webhook endpoints.
const SPECIAL_V4: &[(Ipv4Addr, u32)] = &[
    // This network.
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    // Private use.
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    // Shared by a provider's customers.
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    // Loopback.
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Link-local, with the metadata services of clouds.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    // Private use.
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    // IETF protocol assignments.
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    // Documentation.
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    // Relays of 6to4, deprecated.
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    // Private use.
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    // Benchmarks.
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    // Documentation.
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    // Documentation.
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast.
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    // Reserved, with the broadcast address.
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// The part of IPv6 that public addresses are given out from. What is special beyond it (loopback,
/// link-local, unique local, multicast and so on) needs no row.
const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// What of that part is not public: IANA's IPv6 Special-Purpose Address Registry.
const SPECIAL_V6: &[(Ipv6Addr, u32)] = &[
    // IETF protocol assignments, with Teredo, whose addresses hold an IPv4 address.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    // Documentation.
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    // 6to4, whose addresses hold an IPv4 address.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    // Documentation.
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Addresses that stand for the IPv4 address in their last 32 bits, and lead there.
const STANDS_FOR_V4: &[(Ipv6Addr, u32)] = &[
    // IPv4-mapped.
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96),
    // Translated by NAT64.
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96),
];

/// Whether an address is one of the public Internet.
#[must_use]
pub fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_global_v4(address),
        IpAddr::V6(address) if is_in_v6(address, STANDS_FOR_V4) => {
            let [.., a, b, c, d] = address.octets();
            is_global_v4(Ipv4Addr::new(a, b, c, d))
        }
        IpAddr::V6(address) => is_in_v6(address, &[GLOBAL_V6]) && !is_in_v6(address, SPECIAL_V6),
    }
}

/// Whether an address may be connected to: one of the public Internet, and with `allow_local` this machine's own,
/// but none between the two.
#[must_use]
pub fn is_allowed(address: IpAddr, allow_local: bool) -> bool {
    is_global(address) || (allow_local && address.to_canonical().is_loopback())
}

fn is_global_v4(address: Ipv4Addr) -> bool {
    let differs = |range: Ipv4Addr, bits: u32| (address.to_bits() ^ range.to_bits()).leading_zeros() < bits;
    SPECIAL_V4.iter().all(|(range, bits)| differs(*range, *bits))
}

fn is_in_v6(address: Ipv6Addr, ranges: &[(Ipv6Addr, u32)]) -> bool {
    ranges.iter().any(|(range, bits)| (address.to_bits() ^ range.to_bits()).leading_zeros() >= *bits)
}
