package com.alibaba.dashscope.exception;

public class ApiException extends RuntimeException {}
