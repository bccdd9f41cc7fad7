/// A place where bytes from outside are read, with what must hold there whatever they are.
///
/// libFuzzer drives one surface at a time (`scripts/fuzz`); the tests replay `Fuzz/Corpus/SURFACE/` over the same
/// properties.
package enum FuzzSurface: String, CaseIterable, Sendable {
    /// `reflector.toml` and `paramedic.toml`, from bytes to configuration.
    case configuration
    /// A reflector, an interface and a place to listen, in text.
    case address
    /// An audit log with its checkpoint and closed files: verifying, exporting, opening, taking over.
    case auditLog = "audit-log"
    /// DER of a peer's certificate.
    case certificate
    /// An LZ4 block behind its size.
    case compressedLZ4 = "compressed-lz4"
    /// A Zstandard frame.
    case compressedZstd = "compressed-zstd"
    /// Requests and replies of the control socket.
    case controlMessage = "control-message"
    /// A message of a courier's control stream: its type and its body.
    case courierMessage = "courier-message"
    /// A receipt of a transfer, as JSON.
    case courierReceipt = "courier-receipt"
    /// What a courier's peer does behind the seal, at a receiver and at a sender.
    case courierTransfer = "courier-transfer"
    /// A UDP echo datagram, at the reflector and at the client.
    case echoDatagram = "echo-datagram"
    /// Echo datagrams inside a TLS stream.
    case echoTunnel = "echo-tunnel"
    case endpointID = "endpoint-id"
    /// What an attacker does to the packet protocol's handshakes and records.
    case handshake
    /// `/proc` and `/sys` as the self-test and `path_meta` read them.
    case hostFacts = "host-facts"
    /// What `iperf3 -J` printed.
    case iperf3Output = "iperf3-output"
    case json
    /// A byte stream of Paramedic Link, in pieces.
    case linkFrame = "link-frame"
    /// The payload of one frame.
    case linkMessage = "link-message"
    /// The payload of a packet, in any format.
    case message
    /// A byte stream of packets, in pieces.
    case packet
    /// Rates, durations, moments and tokens in text.
    case quantity
    /// The first bytes of a direct stream.
    case streamPreface = "stream-preface"
    /// A datagram of a cluster and the message in it.
    case swimDatagram = "swim-datagram"

    /// Throws when a property does not hold. Traps when what is under test traps.
    package func check(_ bytes: [UInt8]) throws(PropertyBroken) {
        switch self {
        case .configuration: try ConfigurationProperties.check(bytes)
        case .address: try AddressProperties.check(bytes)
        case .auditLog: try AuditLogProperties.check(bytes)
        case .certificate: try CertificateProperties.check(bytes)
        case .compressedLZ4: try CompressionProperties.checkLZ4(bytes)
        case .compressedZstd: try CompressionProperties.checkZstd(bytes)
        case .controlMessage: try LinkProperties.checkControl(bytes)
        case .courierMessage: try CourierProperties.checkMessage(bytes)
        case .courierReceipt: try ReceiptProperties.check(bytes)
        case .courierTransfer: try CourierProperties.checkTransfer(bytes)
        case .echoDatagram: try EchoProperties.checkDatagram(bytes)
        case .echoTunnel: try EchoProperties.checkTunnel(bytes)
        case .endpointID: try EndpointIDProperties.check(bytes)
        case .handshake: try HandshakeProperties.check(bytes)
        case .hostFacts: try HostFactsProperties.check(bytes)
        case .iperf3Output: try IPerf3Properties.check(bytes)
        case .json: try JSONProperties.check(bytes)
        case .linkFrame: try LinkProperties.checkFrames(bytes)
        case .linkMessage: try LinkProperties.checkMessage(bytes)
        case .message: try MessageProperties.check(bytes)
        case .packet: try PacketProperties.check(bytes)
        case .quantity: try QuantityProperties.check(bytes)
        case .streamPreface: try EchoProperties.checkPreface(bytes)
        case .swimDatagram: try SwimProperties.check(bytes)
        }
    }
}

/// What did not hold.
package struct PropertyBroken: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

/// Throws unless the property holds.
func require(_ holds: Bool, _ property: @autoclosure () -> String) throws(PropertyBroken) {
    if !holds { throw PropertyBroken(property()) }
}
