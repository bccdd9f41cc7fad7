// swift-tools-version: 6.2
import PackageDescription

/// Every own target is compiled the same way: warnings are errors, unsafe code is marked, imports spell their access.
let strict: [SwiftSetting] = [
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableExperimentalFeature("Lifetimes"),
]

/// Tests call C to make the hostile cases; they need not mark it.
let lenient = strict.dropFirst().map { $0 }

/// The commit that `--version` tells; C takes it, because only C has definitions with values.
let commit: String = {
    guard let git = Context.gitInformation else { return "unknown" }
    return String(git.currentCommit.prefix(12)) + (git.hasUncommittedChanges ? "+changes" : "")
}()

let package = Package(
    name: "outpost",
    products: [
        .executable(name: "reflector", targets: ["reflector"]),
        .executable(name: "paramedic", targets: ["paramedic"]),
        .executable(name: "courier", targets: ["courier"]),
        .executable(name: "packetbench", targets: ["packetbench"]),
        .library(name: "FileTransfer", targets: ["FileTransfer", "FileTransferNode", "Identity"]),
        .library(name: "NetworkProtocol", targets: ["NetworkProtocol", "Identity"]),
        .library(name: "NetworkProtocolConfiguration", targets: ["NetworkProtocolConfiguration"]),
        .library(name: "NetworkProtocolPrometheus", targets: ["NetworkProtocolPrometheus"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .target(name: "CLinux", cSettings: [.define("OUTPOST_COMMIT", to: "\"\(commit)\"")]),
        // Private files, made whole or not at all.
        .target(name: "Files", dependencies: ["SystemErrors"], swiftSettings: strict),
        .target(
            name: "Identity",
            dependencies: ["Files", "SystemErrors", .product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: strict
        ),
        // An identity in a certificate and in TLS.
        .target(
            name: "IdentityCertificates",
            dependencies: [
                "Identity",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "X509", package: "swift-certificates"),
            ],
            swiftSettings: strict
        ),
        .systemLibrary(name: "COpenSSL", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CLZ4", providers: [.apt(["liblz4-dev"])]),
        .systemLibrary(name: "CZstd", providers: [.apt(["libzstd-dev"])]),
        // BLAKE3, whose kernels need vector instructions.
        .target(name: "CBLAKE3"),
        .target(name: "CBLAKE2s"),
        .target(name: "CCurve25519"),
        .target(
            name: "Cryptography",
            dependencies: ["CBLAKE2s", "CBLAKE3", "CCurve25519", "COpenSSL"],
            swiftSettings: strict
        ),
        // Field arithmetic and points, for tests.
        .target(name: "CFieldProbe", path: "Tests/CFieldProbe"),
        // malloc and locks, counted: only for a program of its own.
        .target(name: "CCallCounter", path: "Tests/CCallCounter"),
        // Counts the allocations and locks of sealing and opening packets.
        .executableTarget(
            name: "PacketCalls",
            dependencies: ["CCallCounter", "Cryptography"],
            path: "Tests/PacketCalls",
            swiftSettings: lenient
        ),
        // Seals and opens packets over lines of text, for a peer in Python.
        .executableTarget(
            name: "PacketPeer",
            dependencies: ["Cryptography"],
            path: "Tests/PacketPeer",
            exclude: ["peer.py"],
            swiftSettings: lenient
        ),
        // The Noise handshake over lines of text, for a peer in Python.
        .executableTarget(
            name: "NoisePeer",
            dependencies: ["Cryptography"],
            path: "Tests/NoisePeer",
            exclude: ["peer.py"],
            swiftSettings: lenient
        ),
        // The source of BLAKE3's widest kernel with shorter vectors, for processors without AVX-512.
        .target(name: "CBLAKE3Wide", dependencies: ["CBLAKE3"], path: "Tests/CBLAKE3Wide"),
        // The transport and the cluster. scripts/structure keeps TOML, SQLite and what only our tools need out of it.
        .target(
            name: "NetworkProtocol",
            dependencies: [
                "CLinux", "CLZ4", "Cryptography", "CZstd", "Files", "Identity", "IdentityCertificates", "ServerPorts",
                "StrictJSON", "SystemErrors",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "X509", package: "swift-certificates"),
            ],
            swiftSettings: strict
        ),
        // The TOML of a program that uses the library.
        .target(
            name: "NetworkProtocolConfiguration",
            dependencies: [
                "Files", "NetworkProtocol", "Operations", "TOMLConfiguration",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            swiftSettings: strict
        ),
        // The metrics of such a program over HTTP.
        .target(
            name: "NetworkProtocolPrometheus",
            dependencies: [
                "MonitoringHTTP", "NetworkProtocol", "PrometheusMetrics",
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "packetbench",
            dependencies: [
                "CommandLineTool",
                "Identity", "NetworkProtocol", "Operations", "StrictJSON", "UserState",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "CryptographyTests",
            dependencies: [
                "CBLAKE3", "CBLAKE3Wide", "CFieldProbe", "COpenSSL", "Cryptography", "NoisePeer", "OwnThread",
                "PacketPeer", "TemporaryFolders",
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            exclude: ["BLAKE3Vectors.txt"],
            swiftSettings: lenient
        ),
        .testTarget(
            name: "NetworkProtocolTests",
            dependencies: [
                "CLinux", "ClusterPeer", "Cryptography", "Identity", "NetworkProtocol", "NetworkProtocolConfiguration",
                "NetworkProtocolPrometheus", "NetworkProtocolTestSupport", "NetworkSimulation", "Operations",
                "OwnThread", "PrometheusMetrics", "StrictJSON", "SwimSimulation", "TemporaryFolders",
                "example-chat", "example-echo", "example-greeter", "example-mutual-tls",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: lenient
        ),
        .testTarget(
            name: "NetworkProtocolConfigurationTests",
            dependencies: [
                "NetworkProtocol", "NetworkProtocolConfiguration", "NetworkProtocolTestSupport", "TemporaryFolders",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            swiftSettings: lenient
        ),
        .testTarget(
            name: "NetworkProtocolPrometheusTests",
            dependencies: [
                "NetworkProtocol", "NetworkProtocolPrometheus", "Operations",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: lenient
        ),
        // Daemons, clients and bare sockets that the tests of both share.
        .target(
            name: "NetworkProtocolTestSupport",
            dependencies: [
                "NetworkProtocol", "NetworkProtocolConfiguration",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            path: "Tests/NetworkProtocolTestSupport",
            swiftSettings: lenient
        ),
        .executableTarget(
            name: "example-greeter",
            dependencies: ["NetworkProtocol"],
            path: "Examples/greeter",
            swiftSettings: lenient
        ),
        .executableTarget(
            name: "example-echo",
            dependencies: ["NetworkProtocol"],
            path: "Examples/echo",
            swiftSettings: lenient
        ),
        .executableTarget(
            name: "example-drop",
            dependencies: ["FileTransferNode"],
            path: "Examples/drop",
            swiftSettings: lenient
        ),
        .executableTarget(
            name: "example-mutual-tls",
            dependencies: [
                "NetworkProtocol",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "X509", package: "swift-certificates"),
            ],
            path: "Examples/mutual-tls",
            swiftSettings: lenient
        ),
        .executableTarget(
            name: "example-chat",
            dependencies: [
                "Identity", "NetworkProtocol",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            path: "Examples/chat",
            swiftSettings: lenient
        ),
        // A member of a cluster, until a test kills it.
        .executableTarget(
            name: "ClusterPeer",
            dependencies: ["Identity", "NetworkProtocol"],
            path: "Tests/ClusterPeer",
            swiftSettings: lenient
        ),
        // Links in a time that is simulated, for any protocol.
        .target(name: "NetworkSimulation", path: "Tests/NetworkSimulation", swiftSettings: strict),
        // Clusters on such links: for tests and for measuring.
        .target(
            name: "SwimSimulation",
            dependencies: ["NetworkProtocol", "NetworkSimulation"],
            path: "Tests/SwimSimulation",
            swiftSettings: strict
        ),
        // JSON as it was written: order, positions, repeated names.
        .target(name: "StrictJSON", swiftSettings: strict),
        // What all tools do beside their subject: audit log, log lines, processes, terminal, time.
        .target(
            name: "Operations",
            dependencies: [
                "CLinux", "Files", "StrictJSON", "SystemErrors",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict
        ),
        // Configuration files and the environment, with the position and the remedy of each error.
        .target(
            name: "TOMLConfiguration",
            dependencies: [
                "Files", "StrictJSON", "SystemErrors",
                .product(name: "TOMLKit", package: "TOMLKit"),
            ],
            swiftSettings: strict
        ),
        // A registry for swift-metrics with a bounded number of series, and Prometheus' text.
        .target(
            name: "PrometheusMetrics",
            dependencies: [.product(name: "CoreMetrics", package: "swift-metrics")],
            swiftSettings: strict
        ),
        .target(name: "SystemErrors", dependencies: ["CLinux"], swiftSettings: strict),
        .target(name: "PacketIO", dependencies: ["CLinux", "SystemErrors"], swiftSettings: strict),
        // What the mains of all tools share.
        .target(
            name: "CommandLineTool",
            dependencies: ["Operations", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            swiftSettings: strict
        ),
        // SQLite files in a tool's state folder.
        .target(
            name: "Storage",
            dependencies: ["Files", "SystemErrors", .product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: strict
        ),
        // The folder that the tools of one user share, and the identity in it. No SQLite: packetbench would be three
        // times its size.
        .target(name: "UserState", dependencies: ["Files", "Identity", "Operations"], swiftSettings: strict),
        // The address book in that folder.
        .target(
            name: "Peers",
            dependencies: [
                "Identity", "Operations", "Storage", "StrictJSON",
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: strict
        ),
        // What listening ports share when the process has no descriptor left.
        .target(
            name: "ServerPorts",
            dependencies: [
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            swiftSettings: strict
        ),
        // The HTTP of health and metrics.
        .target(
            name: "MonitoringHTTP",
            dependencies: [
                "ServerPorts",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict
        ),
        // How a server lets one new machine in: the window, its token, who was let in.
        .target(
            name: "Pairing",
            dependencies: [
                "Identity", "Operations",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: strict
        ),
        // What both ends of a measurement share.
        .target(
            name: "LinkMeasurement",
            dependencies: [
                "CLinux", "Files", "Identity", "Operations", "PacketIO", "SystemErrors",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict
        ),
        // The engine that moves files between two hosts; neither sockets nor files of its own.
        .target(name: "FileTransfer", dependencies: ["Cryptography", "Identity"], swiftSettings: strict),
        // Its sockets and files.
        .target(
            name: "FileTransferNode",
            dependencies: [
                "Cryptography", "FileTransfer", "Files", "Identity", "PacketIO", "StrictJSON", "SystemErrors",
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "courier",
            dependencies: [
                "CommandLineTool", "FileTransfer", "FileTransferNode", "Files", "Identity", "Operations", "PacketIO",
                "Peers", "Storage", "SystemErrors", "TOMLConfiguration", "UserState",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: strict
        ),
        // The client, its analysis and its reports.
        .target(
            name: "Paramedic",
            dependencies: [
                "Files", "Identity", "IdentityCertificates", "LinkMeasurement", "Operations", "PacketIO", "Peers",
                "Storage", "StrictJSON", "SystemErrors", "TOMLConfiguration", "UserState",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
            ],
            swiftSettings: strict
        ),
        // The server.
        .target(
            name: "Reflector",
            dependencies: [
                "CLinux", "Files", "Identity", "IdentityCertificates", "LinkMeasurement", "MonitoringHTTP",
                "NetworkProtocol", "Operations", "PacketIO", "Pairing", "PrometheusMetrics", "ServerPorts", "Storage",
                "StrictJSON", "SystemErrors", "TOMLConfiguration",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "_CryptoExtras", package: "swift-crypto"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "reflector",
            dependencies: [
                "CommandLineTool",
                "Identity", "LinkMeasurement", "Operations", "Pairing", "Reflector", "Storage", "StrictJSON",
                "TOMLConfiguration",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "paramedic",
            dependencies: [
                "CommandLineTool",
                "Identity", "LinkMeasurement", "Operations", "PacketIO", "Paramedic", "Peers", "Storage",
                "SystemErrors", "TOMLConfiguration", "UserState",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict
        ),
        // What must hold for bytes from outside; FuzzTests replays Fuzz/Corpus over it.
        .target(
            name: "FuzzProperties",
            dependencies: [
                "Cryptography", "FileTransfer", "FileTransferNode", "Files", "Identity", "IdentityCertificates",
                "LinkMeasurement", "NetworkProtocol", "Operations", "PacketIO", "Paramedic", "Reflector", "StrictJSON",
                "TOMLConfiguration",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            path: "Fuzz/Properties",
            swiftSettings: strict
        ),
        .testTarget(name: "FuzzTests", dependencies: ["FuzzProperties", "OwnThread"], swiftSettings: lenient),
        // Certificates that no endpoint of ours would make.
        .target(
            name: "TestCertificates",
            dependencies: [
                "Identity",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "X509", package: "swift-certificates"),
            ],
            path: "Tests/TestCertificates",
            swiftSettings: lenient
        ),
        .testTarget(
            name: "IdentityTests",
            dependencies: [
                "Identity", "IdentityCertificates", "TestCertificates",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "X509", package: "swift-certificates"),
            ],
            swiftSettings: lenient
        ),
        // Appends to an audit log until a test kills it.
        .executableTarget(
            name: "AuditAppender",
            dependencies: [
                "Files", "Operations",
            ],
            path: "Tests/AuditAppender",
            swiftSettings: lenient
        ),
        // A network namespace for one thread.
        .target(name: "CNetworkNamespace", path: "Tests/CNetworkNamespace"),
        // Sends and receives, and prints how often it asked for memory meanwhile.
        .executableTarget(
            name: "PacketAllocations",
            dependencies: ["CCallCounter", "PacketIO", "SystemErrors"],
            path: "Tests/PacketAllocations",
            swiftSettings: lenient
        ),
        .testTarget(
            name: "PacketIOTests",
            dependencies: ["CNetworkNamespace", "OwnThread", "PacketIO", "SystemErrors"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "FileTransferTests",
            dependencies: ["Cryptography", "FileTransfer", "Identity", "OwnThread"],
            swiftSettings: lenient
        ),
        .testTarget(
            name: "FileTransferNodeTests",
            dependencies: [
                "CNetworkNamespace", "Cryptography", "FileTransfer", "FileTransferNode", "Files", "Identity",
                "OwnThread", "PacketIO", "SystemErrors", "TemporaryFolders",
            ],
            swiftSettings: lenient
        ),
        .testTarget(
            name: "PairingTests",
            dependencies: ["Pairing"],
            swiftSettings: lenient
        ),
        .testTarget(
            name: "MonitoringHTTPTests",
            dependencies: [
                "MonitoringHTTP",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: lenient
        ),
        .testTarget(
            name: "UserStateTests",
            dependencies: [
                "Files", "Identity", "Operations", "Peers", "Storage", "UserState",
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: lenient
        ),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "courier", "example-drop", "Operations", "packetbench", "paramedic", "Reflector", "reflector",
            ],
            swiftSettings: lenient
        ),
        // A folder for one test.
        .target(name: "TemporaryFolders", path: "Tests/TemporaryFolders", swiftSettings: lenient),
        // A thread for one test that blocks or computes for long.
        .target(name: "OwnThread", path: "Tests/OwnThread", swiftSettings: lenient),
        .testTarget(
            name: "OperationsTests",
            dependencies: [
                "AuditAppender", "Files", "Operations", "OwnThread", "StrictJSON", "SystemErrors", "TemporaryFolders",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: lenient
        ),
        .testTarget(name: "StrictJSONTests", dependencies: ["OwnThread", "StrictJSON"], swiftSettings: lenient),
        .testTarget(
            name: "TOMLConfigurationTests",
            dependencies: ["Files", "TOMLConfiguration", "TemporaryFolders"],
            swiftSettings: lenient
        ),
        .testTarget(
            name: "PrometheusMetricsTests",
            dependencies: [
                "Operations", "PrometheusMetrics",
                .product(name: "CoreMetrics", package: "swift-metrics"),
            ],
            swiftSettings: lenient
        ),
        .testTarget(
            name: "MeasurementTests",
            dependencies: [
                "CLinux", "Files", "Identity", "IdentityCertificates", "LinkMeasurement", "NetworkProtocol",
                "Operations", "PacketIO", "Pairing", "Paramedic", "Reflector", "Storage", "StrictJSON", "SystemErrors",
                "TestCertificates", "TOMLConfiguration", "UserState",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "X509", package: "swift-certificates"),
            ],
            swiftSettings: lenient
        ),
    ],
    swiftLanguageModes: [.v6]
)

// Measuring programs are built only when asked for: OUTPOST_BENCHMARKS=1 swift build …
if Context.environment["OUTPOST_BENCHMARKS"] != nil {
    package.targets.append(
        .executableTarget(
            name: "cryptography-benchmark",
            dependencies: ["Cryptography"],
            path: "Benchmarks/cryptography",
            exclude: ["evp.c", "run.py"],
            swiftSettings: strict
        )
    )
    package.targets.append(
        .executableTarget(
            name: "packets-benchmark",
            dependencies: ["COpenSSL", "Cryptography"],
            path: "Benchmarks/packets",
            swiftSettings: strict
        )
    )
    package.targets.append(
        .executableTarget(
            name: "recovery-benchmark",
            // It contains the engine's sources: generic code is fast only inside of its module, as in the engine.
            path: "Benchmarks/recovery",
            exclude: ["run.py"],
            swiftSettings: strict
        )
    )
    package.targets.append(
        .executableTarget(
            name: "blake3-benchmark",
            dependencies: ["Cryptography"],
            path: "Benchmarks/blake3",
            exclude: ["run.py"],
            swiftSettings: strict
        )
    )
    package.targets.append(
        .executableTarget(
            name: "network-protocol-benchmark",
            dependencies: [
                "NetworkProtocol",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            path: "Benchmarks/network-protocol/probe",
            swiftSettings: strict
        )
    )
    package.targets.append(
        .executableTarget(
            name: "swim-benchmark",
            dependencies: ["NetworkProtocol", "NetworkSimulation", "SwimSimulation"],
            path: "Benchmarks/network-protocol/swim",
            swiftSettings: strict
        )
    )
    package.targets.append(
        .executableTarget(
            name: "packet-io-benchmark",
            dependencies: ["LinkMeasurement", "PacketIO", "Paramedic", "Reflector"],
            path: "Benchmarks/packet-io",
            exclude: ["run.py"],
            swiftSettings: strict
        )
    )
}

// libFuzzer's driver has no main of its own and is built only for scripts/fuzz: OUTPOST_FUZZ=1 swift build --sanitize
// fuzzer …
if Context.environment["OUTPOST_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(
            name: "outpost-fuzz",
            dependencies: ["FuzzProperties"],
            path: "Fuzz/Driver",
            swiftSettings: strict
        )
    )
}

// scripts/build: a folder that holds archives only. The linker searches it first, so that these libraries are linked
// in.
if let archives = Context.environment["OUTPOST_ARCHIVES"] {
    for target in package.targets where target.type == .executable {
        target.linkerSettings = [.unsafeFlags(["-L\(archives)", "-Xclang-linker", "-static-libgcc"])]
    }
}
