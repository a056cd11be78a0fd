package com.alibaba.dashscope;

public final class Version {
  public static final String version = "stub";
}
