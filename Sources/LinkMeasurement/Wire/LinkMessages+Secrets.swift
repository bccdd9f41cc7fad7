internal import Operations

// The messages that carry tokens and passwords. Only their encoding shows them.

extension PairRequest: SecretBearing {}
extension SessionGrant: SecretBearing {}
extension IperfCredentials: SecretBearing {}
extension EchoGrant: SecretBearing {}
extension TunnelOpen: SecretBearing {}
