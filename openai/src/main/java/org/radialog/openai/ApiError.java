package org.radialog.openai;

import java.util.Optional;
import org.radialog.base.RadialogException;
import org.radialog.codecs.ImageRefused;

/**
 * A refused request in OpenAI's form. The message contains nothing of what a patient's texts or
 * files contain.
 */
public class ApiError extends RadialogException {
  private static final long serialVersionUID = 1L;

  /** The type of errors that the caller can avoid. */
  public static final String INVALID = "invalid_request_error";

  private final int status;
  private final String type;
  private final String code;
  private final String param;

  /**
   * An error.
   *
   * @param status of HTTP
   * @param type for example {@link #INVALID}
   * @param code a stable word for programs, or empty
   * @param param the field of the request, or empty
   */
  public ApiError(int status, String type, String code, String param, String message) {
    super(Kind.BAD_INPUT, message);
    this.status = status;
    this.type = type;
    this.code = code;
    this.param = param;
  }

  /** A field that has an impossible value. */
  public static ApiError invalid(String param, String message) {
    return new ApiError(400, INVALID, "invalid_value", param, param + ": " + message);
  }

  /** What a failure is for the caller. */
  public static ApiError of(RadialogException failure) {
    return switch (failure) {
      case ApiError error -> error;
      case ImageRefused refused ->
          new ApiError(422, INVALID, refused.code(), "messages", message(failure));
      default ->
          switch (failure.kind()) {
            case BAD_INPUT, REFUSED_DATA ->
                new ApiError(400, INVALID, "invalid_value", "", message(failure));
            case UNSUPPORTED -> new ApiError(400, INVALID, "unsupported", "", message(failure));
            case REFUSED_IMAGE ->
                new ApiError(422, INVALID, "refused_image", "messages", message(failure));
            case OVERLOADED ->
                new ApiError(
                    429,
                    "rate_limit_error",
                    "overloaded",
                    "",
                    "the server has no room for this request now; try again later");
            case CANCELLED ->
                new ApiError(499, INVALID, "cancelled", "", "the request was cancelled");
            case REFUSED_WEIGHTS, FAILED ->
                new ApiError(500, "server_error", "failed", "", "the request failed");
          };
    };
  }

  private static String message(RadialogException failure) {
    return String.valueOf(failure.getMessage());
  }

  /** The status of HTTP. */
  public int status() {
    return status;
  }

  /** The answer's body. */
  public Body body() {
    return new Body(
        new Body.Failure(
            String.valueOf(getMessage()),
            type,
            param.isEmpty() ? Optional.empty() : Optional.of(param),
            code.isEmpty() ? Optional.empty() : Optional.of(code)));
  }

  /**
   * The JSON of an error.
   *
   * @param error what is wrong
   */
  public record Body(Failure error) {
    /**
     * What is wrong.
     *
     * @param message one line
     * @param type for example {@link ApiError#INVALID}
     * @param param the field of the request
     * @param code a stable word for programs
     */
    public record Failure(
        String message, String type, Optional<String> param, Optional<String> code) {}
  }
}
