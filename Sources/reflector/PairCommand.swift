internal import ArgumentParser
internal import Identity
internal import Operations
internal import Pairing
internal import Reflector

struct PairCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pair",
        abstract: "Allow one new peer to pair.",
        discussion: """
            Gets a one-time token from the running reflector. The first peer that presents it in time is added to the \
            allow-list; five wrong tokens close the window. Exits 3 when no reflector is running.
            """
    )

    @Option(
        help: ArgumentHelp("How long the token is valid: 30s, 10m, 1h, 1d. (default: 10m)", valueName: "duration"),
        transform: { try PairingTTL(parsing: $0) }
    )
    var ttl = PairingTTL.standard

    @OptionGroup var shared: SharedOptions

    func run() async throws {
        let configuration = try shared.load()
        guard case .pairing(let offer) = try await Server.ask(.pair(ttlSec: ttl.seconds), configuration) else { return }
        if shared.json { return try CommandOutput.put(json: offer.output) }
        print(
            KeyValueBlock(
                title: "Pairing Mode Enabled",
                rows: [
                    .init("Endpoint ID", offer.endpointID.description),
                    .init("Pairing Token", offer.token),
                    .init("Expires In", ttl.description),
                ],
                footer: [
                    "Share the endpoint ID and pairing token with the peer.",
                    "The peer must connect within the TTL window to be authorized.",
                    "",
                    offer.host == "0.0.0.0" || offer.host == "::"
                        ? "On the peer, with this machine's name or address for HOST:" : "On the peer:",
                ] + PairingText.lines(offer)
            ).text,
            terminator: ""
        )
    }
}

enum PairingText {
    /// The line to paste on the peer.
    static func lines(_ offer: PairingOffer) -> [String] {
        let host = offer.host
        let isWildcard = host == "0.0.0.0" || host == "::"
        let address = isWildcard ? "HOST:\(offer.port)" : ListenAddress(host: host, port: offer.port).description
        return ["paramedic pair \(address) --id \(offer.endpointID) --token \(offer.token)"]
    }
}

extension PairingOffer {
    /// The output of `pair --json`: the token is the requested result.
    var output: Output {
        Output(endpointID: endpointID.description, pairingToken: token, expiresInSec: ttlSec, port: port)
    }

    struct Output: Encodable {
        var endpointID: String
        var pairingToken: String
        var expiresInSec: Int
        var port: Int

        enum CodingKeys: String, CodingKey {
            case endpointID = "endpoint_id"
            case pairingToken = "pairing_token"
            case expiresInSec = "expires_in_sec"
            case port
        }
    }
}
