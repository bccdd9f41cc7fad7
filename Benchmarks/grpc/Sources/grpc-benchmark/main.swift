// Unary requests, bulk, and idle connections over gRPC and over the packet protocol, by the same code.
//
//     grpc-benchmark serve ENGINE ADDRESS              until its standard input ends
//     grpc-benchmark requests ENGINE ADDRESS N SECONDS  N in flight
//     grpc-benchmark bulk ENGINE ADDRESS SECONDS        up, in messages of 64 KiB
//     grpc-benchmark hold ENGINE ADDRESS N              N connections, until its standard input ends
//
// ENGINE is `grpc` or `packets`; ADDRESS is `unix:PATH`, or `tls:PORT:FOLDER` for localhost with `ca.pem`, `server.pem`
// and `server-key.pem` in FOLDER. Results are a line of JSON.
internal import Foundation

do {
    let words = Array(CommandLine.arguments.dropFirst())
    guard words.count >= 3 else { throw Usage() }
    let address = try Address(words[2])
    switch words[1] {
    case "grpc": try await Command(words).run(GRPCEngine(address))
    case "packets": try await Command(words).run(PacketEngine(address))
    default: throw Usage()
    }
} catch {
    FileHandle.standardError.write(Data("grpc-benchmark: \(error)\n".utf8))
    exit(1)
}

struct Usage: Error, CustomStringConvertible {
    let description = """
        usage: grpc-benchmark serve|requests|bulk|hold grpc|packets unix:PATH|tls:PORT:FOLDER [N] [SECONDS]
        """
}

struct Command {
    let words: [String]
    init(_ words: [String]) { self.words = words }

    func run(_ engine: some Engine) async throws {
        switch (words[0], words.count) {
        case ("serve", 3):
            try await engine.serve {
                say("listening")
                await endOfInput()
            }
        case ("requests", 5):
            let (count, seconds) = (try number(3), try number(4))
            try await engine.connect { connection in
                try await Requests(inFlight: count, seconds: seconds).run(connection)
            }
        case ("bulk", 4):
            let seconds = try number(3)
            try await engine.connect { connection in
                let clock = ContinuousClock()
                // Once before, so that window and buffers have grown.
                _ = try await connection.send(for: .milliseconds(300))
                let start = clock.now
                let bytes = try await connection.send(for: .seconds(seconds))
                say(#"{"bits_per_second": \#(Double(bytes) * 8 / ((clock.now - start) / .seconds(1)))}"#)
            }
        case ("hold", 4):
            try await engine.hold(try number(3)) {
                say("holds")
                await endOfInput()
            }
        default: throw Usage()
        }
    }

    private func number(_ index: Int) throws -> Int {
        guard let value = Int(words[index]), (1...100_000).contains(value) else { throw Usage() }
        return value
    }
}

func say(_ line: String) {
    print(line)
    fflush(nil)
}

/// On a thread of its own: reading blocks.
func endOfInput() async {
    await withCheckedContinuation { done in
        Thread.detachNewThread {
            while readLine() != nil {}
            done.resume()
        }
    }
}
