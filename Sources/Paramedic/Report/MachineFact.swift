internal import LinkMeasurement
internal import Operations

/// One line of the comparison of the two machines; the same in text and HTML.
struct MachineFact: Sendable {
    let name: String
    let value: @Sendable (ExaminedMachine) -> String

    static let all: [MachineFact] = [
        MachineFact(name: "address") { $0.address?.printable(limit: 60) ?? Quantity.missing },
        MachineFact(name: "version") { machine in
            let hash = machine.pathBefore.map { " (\($0.buildHash.printable(limit: 12)))" } ?? ""
            return machine.version.printable(limit: 24) + (hash == " ()" ? "" : hash)
        },
        MachineFact(name: "cores") { Quantity.count($0.cores) },
        MachineFact(name: "load per core, before") { load($0.pathBefore) },
        MachineFact(name: "load per core, after") { load($0.pathAfter) },
        MachineFact(name: "load 1, 5, 15 min") { $0.pathBefore?.loadWords ?? Quantity.missing },
        MachineFact(name: "memory used") { $0.pathBefore?.memoryWords ?? Quantity.missing },
        MachineFact(name: "network card") { Quantity.rate($0.nicBitsPerSecond) },
        MachineFact(name: "interface") { machine in
            guard let path = machine.pathBefore, let interface = path.interface else { return Quantity.missing }
            return interface.printable(limit: 32) + (path.mtu.map { ", MTU \($0)" } ?? "")
        },
        MachineFact(name: "traffic in, before") { Quantity.rate($0.pathBefore?.receivedBytesPerSec.map { $0 * 8 }) },
        MachineFact(name: "traffic out, before") { Quantity.rate($0.pathBefore?.sentBytesPerSec.map { $0 * 8 }) },
        MachineFact(name: "clock") { $0.pathBefore?.clockWords ?? Quantity.missing },
    ]

    private static func load(_ path: PathMetadata?) -> String {
        guard let path else { return Quantity.missing }
        return Quantity.fixed(path.cpuLoad, decimals: 2)
    }
}
