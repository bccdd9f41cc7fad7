// swift-tools-version: 6.3
// A package of its own, so that a build of Outpost resolves neither gRPC nor HTTP/2.
internal import PackageDescription

let package = Package(
    name: "grpc-benchmark",
    platforms: [.macOS("15.0")],
    dependencies: [
        .package(name: "Outpost", path: "../.."),
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.0"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.0"),
    ],
    targets: [
        .executableTarget(
            name: "grpc-benchmark",
            dependencies: [
                .product(name: "NetworkProtocol", package: "Outpost"),
                .product(name: "GRPCCore", package: "grpc-swift-2"),
                .product(name: "GRPCNIOTransportHTTP2", package: "grpc-swift-nio-transport"),
            ]
        )
    ]
)
