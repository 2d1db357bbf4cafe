//! Which addresses are public: the edges of every range that is not, and those of what lies between.

use webhooks::address::is_global;

#[track_caller]
fn check(addresses: &[&str], expected: bool) {
    for address in addresses {
        assert_eq!(is_global(address.parse().unwrap()), expected, "{address}");
    }
}

/// Ranges by their first and last address.
#[track_caller]
fn check_ranges(ranges: &[(&str, &str)], expected: bool) {
    for (first, last) in ranges {
        check(&[first, last], expected);
    }
}

#[test]
fn special_ranges_of_ipv4_are_refused() {
    let ranges = [
        ("0.0.0.0", "0.255.255.255"),
        ("10.0.0.0", "10.255.255.255"),
        ("100.64.0.0", "100.127.255.255"),
        ("127.0.0.0", "127.255.255.255"),
        ("169.254.0.0", "169.254.255.255"),
        ("172.16.0.0", "172.31.255.255"),
        ("192.0.0.0", "192.0.0.255"),
        ("192.0.2.0", "192.0.2.255"),
        ("192.88.99.0", "192.88.99.255"),
        ("192.168.0.0", "192.168.255.255"),
        ("198.18.0.0", "198.19.255.255"),
        ("198.51.100.0", "198.51.100.255"),
        ("203.0.113.0", "203.0.113.255"),
        ("224.0.0.0", "239.255.255.255"),
        ("240.0.0.0", "255.255.255.255"),
    ];
    check_ranges(&ranges, false);
    check(&["127.0.0.1", "169.254.169.254"], false);
}

#[test]
fn what_lies_between_them_is_public() {
    let ranges = [
        ("1.0.0.0", "9.255.255.255"),
        ("11.0.0.0", "100.63.255.255"),
        ("100.128.0.0", "126.255.255.255"),
        ("128.0.0.0", "169.253.255.255"),
        ("169.255.0.0", "172.15.255.255"),
        ("172.32.0.0", "191.255.255.255"),
        ("192.0.1.0", "192.0.1.255"),
        ("192.0.3.0", "192.88.98.255"),
        ("192.88.100.0", "192.167.255.255"),
        ("192.169.0.0", "198.17.255.255"),
        ("198.20.0.0", "198.51.99.255"),
        ("198.51.101.0", "203.0.112.255"),
        ("203.0.114.0", "223.255.255.255"),
    ];
    check_ranges(&ranges, true);
    check(&["8.8.8.8"], true);
}

#[test]
fn special_ranges_of_ipv6_are_refused() {
    let ranges = [
        // Reserved, with what is unspecified, loopback, and IPv4-compatible; but see the last test.
        ("::", "::fffe:ffff:ffff"),
        ("::1:0:0:0", "64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff"),
        // NAT64 of a network's own.
        ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"),
        // Discarded.
        ("100::", "100::ffff:ffff:ffff:ffff"),
        ("64:ff9c::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        // IETF protocol assignments, with Teredo and ORCHID.
        ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),
        // Documentation.
        ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
        // 6to4.
        ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        // Segment routing.
        ("5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        // Unique local.
        ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        // Link-local, and site-local.
        ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        // Multicast.
        ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        // Not given out.
        ("4000::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ];
    check_ranges(&ranges, false);
    let others = ["::1", "::8.8.8.8", "::ffff:0:8.8.8.8", "2001::1", "2001:20::1", "2002:808:808::1", "fd00:ec2::254"];
    check(&others, false);
}

#[test]
fn what_lies_between_them_is_public_too() {
    let ranges = [
        ("2000::", "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2001:200::", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2001:db9::", "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2003::", "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("3fff:1000::", "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ];
    check_ranges(&ranges, true);
    check(&["2606:4700:4700::1111"], true);
}

#[test]
fn an_address_that_stands_for_one_of_ipv4_is_judged_as_that_one() {
    for prefix in ["::ffff:", "64:ff9b::"] {
        check(&["8.8.8.8", "11.0.0.0"].map(|inside| format!("{prefix}{inside}")).each_ref().map(String::as_str), true);
        let local = ["0.0.0.0", "10.0.0.1", "127.0.0.1", "169.254.169.254", "255.255.255.255"];
        check(&local.map(|inside| format!("{prefix}{inside}")).each_ref().map(String::as_str), false);
    }
}
