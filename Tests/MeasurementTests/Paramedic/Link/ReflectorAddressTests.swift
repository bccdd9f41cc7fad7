internal import Identity
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

@Suite("Addresses of link-local reflectors")
struct ReflectorAddressTests {
    private let id = IdentityKey().endpointID

    @Test(
        arguments: ["fe80::1", "[fe80::1]:4001", "FE80::1", "febf:0::2", "[fe90::1]"]
    )
    func `a link-local address without its interface is refused with what is missing`(text: String) {
        #expect {
            try ReflectorAddress(parsing: text, endpointID: id)
        } throws: {
            "\($0)".contains("is a link-local address") && "\($0)".contains("%eth0]:")
        }
    }

    @Test(
        arguments: [
            "[fe80::1%eth0]:4001", "fe80::1%eth0", "fe80", "fe80.example.org", "fec0::1", "fe8::1", "2001:db8::fe80",
        ]
    )
    func `a link-local address with its interface is taken, and so is what only looks like one`(text: String) throws {
        _ = try ReflectorAddress(parsing: text, endpointID: id)
    }
}
