//! Which URLs an endpoint may have.

use webhooks::{UrlFault, check_url};

/// What comes of a URL where local ones are refused.
fn fault(url: &str) -> UrlFault {
    check_url(url, false).map(|url| panic!("{url} is taken")).unwrap_err()
}

fn not_public(address: &str) -> UrlFault {
    UrlFault::NotPublic(address.parse().unwrap())
}

#[test]
fn public_urls_are_taken() {
    let cases = [
        ("https://shop.example/webhooks", "https://shop.example/webhooks"),
        ("HTTPS://Shop.Example", "https://shop.example/"),
        ("https://shop.example:8443/a?b=c", "https://shop.example:8443/a?b=c"),
        ("https://shop.example./", "https://shop.example./"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://8.8.8.8/", "https://8.8.8.8/"),
        ("https://[2606:4700:4700::1111]:8443/", "https://[2606:4700:4700::1111]:8443/"),
        ("https://localhost.example/", "https://localhost.example/"),
    ];
    for (url, read) in cases {
        let taken = check_url(url, false).map(String::from).unwrap_or_default();
        assert_eq!(taken, read, "{url}");
    }
}

#[test]
fn what_is_no_url_of_https_is_refused() {
    for url in
        ["", "shop.example", "//shop.example/", "https://", "https:///", "ftp://shop.example/", "mailto:a@b.example"]
    {
        assert_eq!(fault(url), UrlFault::NotAUrl, "{url}");
    }
    for url in
        [" https://shop.example/", "https://shop.example/a b", "https://shop.example/\n", "https://shop\t.example/"]
    {
        assert_eq!(fault(url), UrlFault::NotAUrl, "{url:?}");
    }
    assert_eq!(fault("http://shop.example/"), UrlFault::NotHttps);
    assert_eq!(fault("https://user@shop.example/"), UrlFault::UserInfo);
    assert_eq!(fault("https://user:secret@shop.example/"), UrlFault::UserInfo);
    assert_eq!(fault("https://:secret@shop.example/"), UrlFault::UserInfo);
    assert_eq!(fault("https://shop.example/#here"), UrlFault::Fragment);
}

#[test]
fn a_url_has_a_longest_length_as_it_is_sent() {
    let url = |letter: &str, letters: usize| format!("https://shop.example/{}", letter.repeat(letters));
    assert!(check_url(&url("u", 1_003), false).is_ok());
    assert_eq!(fault(&url("u", 1_004)), UrlFault::TooLong(1_025));
    // Each of these is sent as six characters.
    assert!(check_url(&url("ü", 167), false).is_ok());
    assert_eq!(fault(&url("ü", 168)), UrlFault::TooLong(1_029));
}

#[test]
fn addresses_that_are_not_public_are_refused_however_they_are_written() {
    let cases = [
        ("https://127.0.0.1/", "127.0.0.1"),
        ("https://127.1/", "127.0.0.1"),
        ("https://0x7f.1/", "127.0.0.1"),
        ("https://0x7f000001/", "127.0.0.1"),
        ("https://2130706433/", "127.0.0.1"),
        ("https://017700000001/", "127.0.0.1"),
        ("https://127.0.0.1./", "127.0.0.1"),
        ("https://%31%32%37.0.0.1/", "127.0.0.1"),
        ("https://１２７.0.0.1/", "127.0.0.1"),
        ("https://0/", "0.0.0.0"),
        ("https://10.1/", "10.0.0.1"),
        ("https://169.254.169.254/latest/meta-data", "169.254.169.254"),
        ("https://[::1]/", "::1"),
        ("https://[::]/", "::"),
        ("https://[::ffff:127.0.0.1]/", "::ffff:127.0.0.1"),
        ("https://[fd00:ec2::254]/", "fd00:ec2::254"),
        ("https://[64:ff9b::a00:1]/", "64:ff9b::a00:1"),
    ];
    for (url, address) in cases {
        assert_eq!(fault(url), not_public(address), "{url}");
    }
    // What only looks like an address is no name either.
    for url in ["https://256.1.1.1/", "https://1.2.3.4.5/", "https://[::1%25eth0]/", "https://[::1/"] {
        assert_eq!(fault(url), UrlFault::NotAUrl, "{url}");
    }
}

#[test]
fn a_host_is_read_in_one_way_only() {
    // Careless parsers find other hosts in these. What is sent to is what was read, written out again.
    assert_eq!(check_url("https://8.8.8.8\\@127.0.0.1/", false).unwrap().as_str(), "https://8.8.8.8/@127.0.0.1/");
    assert_eq!(fault("https://127.0.0.1\\@8.8.8.8/"), not_public("127.0.0.1"));
    assert_eq!(fault("https://shop.example@127.0.0.1/"), UrlFault::UserInfo);
    assert_eq!(fault("https://127.0.0.1?.shop.example/"), not_public("127.0.0.1"));
}

#[test]
fn names_of_local_networks_are_refused() {
    let names = [
        "localhost",
        "localhost.",
        "LOCALHOST",
        "app.localhost",
        "printer.local",
        "db.internal",
        "a.b.internal.",
        "nas.home.arpa",
        "intranet",
    ];
    for name in names {
        let expected = UrlFault::LocalName(name.to_lowercase());
        assert_eq!(fault(&format!("https://{name}/")), expected);
    }
}

#[test]
fn local_merchants_may_have_this_machine_and_plain_http() {
    let urls = ["http://127.0.0.1:3000/hooks", "http://localhost:3000/hooks", "http://[::1]:3000/"];
    for url in urls {
        assert_eq!(check_url(url, true).unwrap().as_str(), url);
    }
    for between in ["10.0.0.1", "169.254.169.254", "192.168.0.1"] {
        let refused = check_url(&format!("http://{between}/"), true);
        assert_eq!(refused, Err(UrlFault::NotPublic(between.parse().unwrap())), "neither public nor this machine");
    }
    assert_eq!(check_url("http://printer.local/", true), Err(UrlFault::LocalName("printer.local".to_owned())));
    assert_eq!(check_url("http://user@localhost/", true), Err(UrlFault::UserInfo));
    assert_eq!(check_url("ftp://localhost/", true), Err(UrlFault::NotAUrl));
}

#[test]
fn faults_say_what_is_wrong() {
    let cases = [
        ("x", "it is not a URL such as https://shop.example/webhooks"),
        ("http://shop.example/", "it does not begin with https://"),
        ("https://a:b@shop.example/", "it holds a user name or a password; deliveries are signed instead"),
        ("https://shop.example/#a", "it has a fragment ('#'), which is never sent"),
        ("https://localhost/", "its host 'localhost' is not a public name"),
        ("https://10.0.0.1/", "its host 10.0.0.1 is not a public address"),
    ];
    for (url, words) in cases {
        assert_eq!(fault(url).to_string(), words);
    }
    let long = fault(&"x".repeat(1_025)).to_string();
    assert_eq!(long, "it has 1025 characters, and at most 1024 are kept");
}
