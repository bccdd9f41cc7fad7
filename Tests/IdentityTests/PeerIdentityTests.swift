internal import Crypto
internal import Foundation
internal import IdentityCertificates
internal import SwiftASN1
internal import TestCertificates
internal import Testing
internal import X509

@testable import Identity

@Suite("Identity in a certificate")
struct PeerIdentityTests {
    @Test func `our own certificate identifies its key, and carries the names that peers look for`() throws {
        let key = IdentityKey()
        let der = try EndpointCertificate.make(for: key)
        #expect(try PeerIdentity.endpointID(ofLeaf: der) == key.endpointID)
        let certificate = try Certificate(derEncoded: der)
        let names = try #require(try certificate.extensions.subjectAlternativeNames).map { "\($0)" }.joined(
            separator: " "
        )
        #expect(names.contains("pp-id-\(key.endpointID)"))
        #expect(names.contains("pp:id:\(key.endpointID)"))
        #expect(names.contains("pp:pk:\(SHA256.hash(data: key.endpointID.publicKey).hexadecimal)"))
        let commonName = try #require(certificate.subject.first { "\($0)".hasPrefix("CN=") }.map { "\($0)" })
        #expect(commonName.count - 3 <= 64)
    }

    @Test(
        arguments: ["dns", "DNS", "uri"]
    )
    func `a certificate that claims another's ID is refused, whichever name it claims it by`(kind: String) throws {
        let (mine, other) = (IdentityKey(), IdentityKey().endpointID)
        let name: GeneralName =
            switch kind {
            case "dns": .dnsName("pp-id-\(other)")
            case "DNS": .dnsName("PP-ID-\(other)")
            default: .uniformResourceIdentifier("pp:id:\(other)")
            }
        let der = try TestCertificate.make(mine, names: [.dnsName("pp-id-\(mine.endpointID)"), name])
        #expect(throws: PeerIdentityError.nameMismatch(claimed: "\(other)", presented: mine.endpointID)) {
            try PeerIdentity.endpointID(ofLeaf: der)
        }
    }

    @Test func `a certificate without names of ours is its key's; one with an unreadable ID identifies no key`() throws
    {
        let key = IdentityKey()
        let plain = try TestCertificate.make(key, names: [.dnsName("host.example")])
        #expect(try PeerIdentity.endpointID(ofLeaf: plain) == key.endpointID)
        let broken = try TestCertificate.make(key, names: [.dnsName("pp-id-PP-1234")])
        #expect(throws: PeerIdentityError.nameMismatch(claimed: "PP-1234", presented: key.endpointID)) {
            try PeerIdentity.endpointID(ofLeaf: broken)
        }
    }

    @Test func `a key of another kind is no identity`() throws {
        let der = try TestCertificate.make(P256.Signing.PrivateKey(), names: [])
        #expect(throws: PeerIdentityError.notEd25519) { try PeerIdentity.endpointID(ofLeaf: der) }
    }

    @Test func `cut and damaged certificates are malformed or identify another key, and never trap`() throws {
        let key = IdentityKey()
        let der = try EndpointCertificate.make(for: key)
        for length in 0..<der.count {
            #expect(throws: PeerIdentityError.malformed) { try PeerIdentity.endpointID(ofLeaf: Array(der[..<length])) }
        }
        for index in der.indices {
            var damaged = der
            damaged[index] ^= 0x41
            // Either outcome is right; what it must never be is this key under other names.
            if let id = try? PeerIdentity.endpointID(ofLeaf: damaged), id != key.endpointID {
                Issue.record("byte \(index): a certificate that names \(key.endpointID) passed as \(id)")
            }
        }
    }
}
