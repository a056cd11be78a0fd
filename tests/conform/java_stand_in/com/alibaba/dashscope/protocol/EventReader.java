package com.alibaba.dashscope.protocol;

import java.io.IOException;
import okio.BufferedSource;

/**
 * Server-sent events as OkHttp's own reader dispatches them: at a blank line, data lines joined. It
 * is in okhttp-sse, which Debian has not.
 */
final class EventReader {
  private final BufferedSource source;
  private String type;
  private String data;

  EventReader(BufferedSource source) {
    this.source = source;
  }

  String type() {
    return type;
  }

  String data() {
    return data;
  }

  /** Whether there is one more event; what no blank line ends is none. */
  boolean next() throws IOException {
    type = null;
    data = null;
    for (String line = source.readUtf8Line(); line != null; line = source.readUtf8Line()) {
      if (line.isEmpty() && data != null) {
        return true;
      } else if (line.isEmpty()) {
        type = null;
      } else if (!line.startsWith(":")) {
        field(line);
      }
    }
    return false;
  }

  private void field(String line) {
    int colon = line.indexOf(':');
    String name = colon < 0 ? line : line.substring(0, colon);
    String value = colon < 0 ? "" : line.substring(colon + 1);
    value = value.startsWith(" ") ? value.substring(1) : value;
    if (name.equals("data")) {
      data = data == null ? value : data + "\n" + value;
    } else if (name.equals("event")) {
      type = value.isEmpty() ? null : value;
    }
  }
}
