// Appends to an audit log until it is killed, and says on standard output which lines were acknowledged. The tests of
// the log kill it. Arguments: the log's path, how many tasks append at once, how many appends each makes (0: no end),
// and, if it is to be rotated, after how many appends of a task.
internal import Files
internal import Glibc
internal import Operations

/// The fields of the log that the tests verify.
let layout = AuditLayout([
    .init("peer_id", .text), .init("endpoint_id", .text), .init("test_id", .text), .init("test_type", .text),
    .init("params", .parameters), .init("decision", .text), .init("reason", .text), .init("bytes_sent", .integer),
    .init("bytes_received", .integer), .init("duration_ms", .integer), .init("pid", .integer),
    .init("exit_code", .integer),
])

@Sendable func record(_ task: Int, _ made: Int) -> AuditRecord {
    var record = AuditRecord("session_granted")
    record[text: "test_id"] = "task-\(task)"
    record[parameters: "params"] = ["made": .integer(Int64(made))]
    return record
}

let arguments = CommandLine.arguments
guard [4, 5].contains(arguments.count), let tasks = Int(arguments[2]), let count = Int(arguments[3]) else { exit(64) }
let path = arguments[1]
let rotation = arguments.count == 5 ? Int(arguments[4]) ?? 0 : 0

// A write beyond the limit of `ulimit -f` must fail, not kill.
signal(SIGXFSZ, SIG_IGN)

/// Not a signature, only something that depends on the message: what is tested here is the file.
let signing = AuditSigning(
    endpointID: "PP-TEST",
    sign: { message in Array(message.reversed().prefix(64)) },
    verify: { _, message, signature in signature == Array(message.reversed().prefix(64)) }
)

func say(_ line: String) {
    let out = Descriptor(owning: dup(1), path: "standard output")
    try? out.write(Array((line + "\n").utf8))
}

do {
    let (log, opening) = try AuditLog.open(path: path, signing: signing, layout: layout)
    say("opened \(opening.sequence)")
    await withTaskGroup(of: Void.self) { group in
        for task in 0..<tasks {
            group.addTask {
                var made = 0
                while count == 0 || made < count {
                    made += 1
                    do {
                        let sequence = try await log.append(
                            record(task, made)
                        )
                        say("\(sequence)")
                        if rotation > 0, made % rotation == 0 { _ = try await log.rotate() }
                    } catch {
                        say("failed \(error)")
                        return
                    }
                }
            }
        }
    }
    await log.close()
    say("closed")
} catch {
    say("refused \(error)")
    exit(1)
}
