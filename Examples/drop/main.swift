// Files from one machine to another, without a server between them.
//
//     example-drop receive FOLDER
//     example-drop send TICKET FILE…
internal import FileTransferNode
internal import Foundation

let arguments = CommandLine.arguments.dropFirst()
do {
    switch arguments.first {
    case "receive" where arguments.count == 2:
        var configuration = NodeConfiguration()
        configuration.folder = arguments[2]
        let node = try await Node(configuration)
        print(node.ticket() ?? "")
        // A pipe would keep the ticket until its buffer is full.
        fflush(nil)
        try await withThrowingDiscardingTaskGroup { group in
            for try await offer in try node.receive() {
                // Each in a task of its own: others may come meanwhile.
                group.addTask { await receive(offer) }
            }
        }
    case "send" where arguments.count > 2:
        var configuration = NodeConfiguration()
        configuration.port = nil
        let node = try await Node(configuration)
        let transfer = try await node.send(Array(arguments.dropFirst(2)), to: arguments[2])
        report(try await transfer.completion())
    default: fail("usage: example-drop receive FOLDER | send TICKET FILE…")
    }
} catch {
    fail("\(error)")
}

func receive(_ offer: IncomingTransfer) async {
    do { report(try await offer.accept(onConflict: .rename).completion()) } catch { warn("\(error)") }
}

func report(_ result: TransferResult) {
    for file in result.files {
        switch file.outcome {
        case .verified(let digest?): print(digest.map { String(format: "%02x", $0) }.joined(), file.path)
        case .verified(nil), .skipped: continue
        case .failed(let reason): warn("\(file.path): \(reason)")
        }
    }
    fflush(nil)
}

func warn(_ text: String) { FileHandle.standardError.write(Data("\(text)\n".utf8)) }

func fail(_ reason: String) -> Never {
    warn(reason)
    exit(1)
}
