import Foundation
import Glibc
import Operations
import Reflector

/// A child process for tests: ends, or is killed when time is over or the task is cancelled.
enum SpawnedProcess {
    struct TimedOut: Error {}

    static let run: SelfTest.Run = { executable, arguments, timeout in
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [executable] + arguments
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let pid = process.processIdentifier
        return try await withTaskCancellationHandler {
            try await withThrowingTaskGroup(of: SelfTest.ProcessOutput?.self) { group in
                group.addTask {
                    await withCheckedContinuation { continuation in
                        DispatchQueue.global().async {
                            let text = output.fileHandleForReading.readDataToEndOfFile()
                            let complaints = errors.fileHandleForReading.readDataToEndOfFile()
                            process.waitUntilExit()
                            continuation.resume(
                                returning: SelfTest.ProcessOutput(
                                    status: process.terminationStatus,
                                    standardOutput: Array(text),
                                    standardError: Array(complaints)
                                )
                            )
                        }
                    }
                }
                group.addTask {
                    try await Task.sleep(for: timeout)
                    return nil
                }
                let first = try await group.next().flatMap { $0 }
                group.cancelAll()
                if let first { return first }
                kill(pid, SIGKILL)
                throw TimedOut()
            }
        } onCancel: {
            kill(pid, SIGKILL)
        }
    }
}
