internal import CommandLineTool
internal import LinkMeasurement
internal import Paramedic
internal import Storage
internal import TOMLConfiguration

extension ParamedicCommand {
    /// The reflector denied the test.
    private static let denied: Int32 = 4

    static func failure(for error: any Error) -> ToolFailure {
        switch error {
        case is CancellationError: ToolFailure("interrupted", exitCode: ToolFailure.interrupted)
        case let error as ConfigurationError: ToolFailure(error.description, exitCode: ToolFailure.configuration)
        case LinkClientError.denied(let deny):
            ToolFailure("\(error)", exitCode: denied, reason: deny.reason.rawValue, retryAfterSec: deny.retryAfterSec)
        case LinkClientError.wrongMode: ToolFailure("\(error)", exitCode: denied)
        case let error as NothingMeasured: failure(of: error)
        default: ToolFailure(DatabaseFailure.describe(error) ?? "\(error)", exitCode: 1)
        }
    }

    /// An examination that measured nothing, with the exit code of its cause.
    private static func failure(of error: NothingMeasured) -> ToolFailure {
        var failure = ToolFailure(error.description, exitCode: error.isDenied ? denied : 1)
        if case LinkClientError.denied(let deny)? = error.parts.first?.error {
            failure.reason = deny.reason.rawValue
            failure.retryAfterSec = deny.retryAfterSec
        }
        return failure
    }
}
