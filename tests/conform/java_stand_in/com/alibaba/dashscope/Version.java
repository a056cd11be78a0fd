package com.alibaba.dashscope;

/** Says in every table and every user agent that this is not the SDK. */
public final class Version {
  public static final String version = "stand-in (" + okhttp3.internal.Version.userAgent() + ")";
}
