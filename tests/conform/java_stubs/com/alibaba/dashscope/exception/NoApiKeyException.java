package com.alibaba.dashscope.exception;

public class NoApiKeyException extends Exception {}
