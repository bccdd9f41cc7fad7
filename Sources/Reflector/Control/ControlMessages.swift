package import Identity
package import LinkMeasurement
internal import Operations
package import Pairing

// The control socket uses the packets of NetworkProtocol: one command whose payload and answer are JSON. It is a Unix
// socket of mode 0600 in the state folder: a process that can open it controls the reflector.

/// A request of the command line to the running server.
package enum ControlRequest: Codable, Sendable, Equatable {
    case status
    case pair(ttlSec: Int)
    case listPeers
    case removePeer(EndpointID)
    case renamePeer(EndpointID, label: String)
    case rotateIdentity
    case rotateAudit
}

/// The answer of the running server.
package enum ControlReply: Codable, Sendable, Equatable {
    case status(ServerStatus)
    case pairing(PairingOffer)
    case peers(PeerList)
    case done
    case rotated(old: EndpointID, new: EndpointID, kept: String)
    /// The closed file and the numbers of its lines.
    case auditRotated(file: String, first: Int64, last: Int64)
    case failed(String)
}

/// The state of a running server.
package struct ServerStatus: Codable, Sendable, Equatable {
    package var endpointID: EndpointID
    package var bindAddress: String
    package var healthAddress: String?
    package var mode: DataMode
    package var dataDir: String
    package var version: String
    package var pid: Int
    package var uptimeSec: Int
    package var connections: Int
    package var pairedPeers: Int
    package var configuredPeers: Int
    package var runningTests: [String]
    /// Seconds until the open pairing window closes; nil if none is open.
    package var pairingOpenSec: Int?
    package var auditHealthy: Bool
    /// Why the audit log is closed and the remedy; nil while it is open.
    package var auditProblem: String?

    enum CodingKeys: String, CodingKey {
        case endpointID = "endpoint_id"
        case bindAddress = "bind_address"
        case healthAddress = "health_address"
        case mode
        case dataDir = "data_dir"
        case version, pid
        case uptimeSec = "uptime_sec"
        case connections
        case pairedPeers = "paired_peers"
        case configuredPeers = "configured_peers"
        case runningTests = "running_tests"
        case pairingOpenSec = "pairing_open_sec"
        case auditHealthy = "audit_healthy"
        case auditProblem = "audit_problem"
    }
}

/// An open pairing window.
package struct PairingOffer: Codable, Sendable, Equatable {
    package var endpointID: EndpointID
    package var token: String
    package var ttlSec: Int
    /// Where the control plane listens, for the line to paste.
    package var host: String
    package var port: Int
}

extension PairingOffer: SecretBearing {}

package struct PeerList: Codable, Sendable, Equatable {
    package var paired: [PairedPeer]
    package var configured: [EndpointID]

    package init(paired: [PairedPeer], configured: [EndpointID]) {
        self.paired = paired
        self.configured = configured
    }
}
