internal import Operations
extension PathMetadata { static func current(localAddress: String) -> PathMetadata { PathMetadata(cpuLoad: 0, memoryUsedMB: 0, memoryTotalMB: 0, loadAverage: [0,0,0], buildVersion: "", buildHash: "") }
 static func linkSpeed(localAddress: String) -> Double? { nil }
 static func cpuLoad() -> Double { 0 } }
